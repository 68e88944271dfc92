/**
 * The first thing that a program does which updates itself: it counts its starts while it is on trial, and puts the old version back
 * when it has not become healthy. Loads nothing but files, and never keeps a program from running: what goes wrong is in the verdict.
 */
import { existsSync } from 'node:fs';
import { takeLock } from '@kanade/durable/lock';
import { liftQuarantine, putInQuarantine, type QuarantinedVersion, readQuarantine } from './state/quarantine.ts';
import { lockPath, placesOf, removeState, stateNames } from './state/state-dir.ts';
import { countAnew, countStart, endTrial, noteFailed, readFailed, readTrial, type Trial } from './state/trial.ts';
import { clearBeside, dropPointer, isBeside, putOldBack } from './swap/exchange.ts';

export interface StartOptions {
  /** `<data>/update`. It need not be there. */
  readonly dir: string;
  /** The executable that runs, or a link to it. */
  readonly program: string;
  /** The version that runs. */
  readonly version: string;
  /** Starts of a version on trial without {@link markHealthy}. Default 3. */
  readonly startsMax?: number;
}

export interface StartVerdict {
  /** `restart`: the old version is in its place again; end with {@link restartExitCode}, so that the service manager starts that one. */
  readonly kind: 'run' | 'restart';
  /** The trial that this start is part of, and the how-manieth start it is. */
  readonly trial?: Trial & { readonly start: number };
  /** Versions that were put into quarantine at this start. */
  readonly quarantined: readonly string[];
  /** A version that was put back, in whose place this one runs again; at every start, until {@link rollbackTold}. */
  readonly rolledBack?: RolledBack;
  /** What could not be done; the program runs all the same. */
  readonly fault?: unknown;
}

/** A version that was no good on this machine. */
export interface RolledBack {
  /** The version that it had replaced. */
  readonly from: string;
  readonly version: string;
  readonly reason: QuarantinedVersion['reason'];
}

/** How a program ends which has been exchanged: its service manager starts it again at once. */
export const restartExitCode = 64;
const startsMaxDefault = 3;

/** Counts this start, or puts the old version back. Costs one look into a directory when nothing is on trial. Never throws. */
export function beginStart(options: StartOptions): StartVerdict {
  const quarantined: string[] = [];
  try {
    const names = stateNames(options.dir);
    const rolledBack = names.includes('failed.json') ? lookAtFailed(options.dir, quarantined) : undefined;
    const trial = names.includes('trial.json') ? readTrial(options.dir) : undefined;
    if (trial?.version === options.version) return { ...judge(trial, options, quarantined), quarantined };
    if (names.length > 0) clearAway(options, trial);
    const isTold = !rolledBack || rolledBack.version === options.version;
    return { kind: 'run', quarantined, ...(isTold ? {} : { rolledBack }) };
  } catch (fault) {
    return { kind: 'run', quarantined, fault };
  }
}

/**
 * The running version has proved itself: it stays, and the one before it is removed. False when it was not on trial.
 * @throws UpdateError `state_invalid`, and what the system says
 */
export function markHealthy({ dir, program, version }: Omit<StartOptions, 'startsMax'>): boolean {
  if (readTrial(dir)?.version !== version) return false;
  endTrial(dir);
  clearBeside(placesOf(program));
  return true;
}

/**
 * The running version works, and has not proved itself yet: its starts so far do not count against it. Nothing where it is not on trial.
 * @throws UpdateError `state_invalid`, and what the system says
 */
export function markWorking({ dir, version }: Omit<StartOptions, 'program' | 'startsMax'>): void {
  if (readTrial(dir)?.version === version) countAnew(dir);
}

/**
 * The running version works, and does not reach what it is for: the one before it takes its place, as after a start too many; end with
 * {@link restartExitCode}. False when it was not on trial, or nothing is left of the one before: it goes on.
 * @throws UpdateError `state_invalid`, and what the system says
 */
export function giveUp({ dir, program, version }: Omit<StartOptions, 'startsMax'>): boolean {
  const trial = readTrial(dir);
  if (trial?.version !== version || !existsSync(placesOf(program).old)) return false;
  put(dir, trial, 'unreachable');
  return takeBack(trial, { dir, program });
}

/**
 * In place of {@link rollbackTold}, where the version that was put back was not to blame: it may be installed again.
 * @throws UpdateError `state_invalid`, and what the system says
 */
export function acquit({ dir }: Pick<StartOptions, 'dir'>): void {
  const failed = readFailed(dir);
  // In this order: one that is noted, and not in quarantine, was put back by the guard.
  removeState(dir, 'failed');
  if (failed) liftQuarantine(dir, failed.sha256);
}

/** Who had to learn of {@link StartVerdict.rolledBack} has: it is not in the verdict of later starts. */
export const rollbackTold = ({ dir }: Pick<StartOptions, 'dir'>): void => removeState(dir, 'failed');

/** The old version was put back, or was about to be: by the guard, where it is not in quarantine yet. */
function lookAtFailed(dir: string, quarantined: string[]): RolledBack | undefined {
  const failed = readFailed(dir);
  if (!failed) return undefined;
  const { from, version, sha256 } = failed;
  const known = readQuarantine(dir).find((entry) => entry.sha256 === sha256);
  if (!known) {
    put(dir, failed, 'unstartable');
    quarantined.push(version);
  }
  return { from, version, reason: known?.reason ?? 'unstartable' };
}

/**
 * What a killed update has left. A trial of another version never came into its place, or was put back, or somebody has installed a
 * third one. Whoever is just updating holds the lock, and is left alone.
 */
function clearAway({ dir, program }: StartOptions, trial: Trial | undefined): void {
  const places = placesOf(program);
  if (!trial && !isBeside(places)) return;
  const lock = takeLock(lockPath(dir));
  if (lock.kind !== 'held') return;
  try {
    if (trial) endTrial(dir);
    clearBeside(places);
  } finally {
    lock.release();
  }
}

function judge(trial: Trial, options: StartOptions, quarantined: string[]): Omit<StartVerdict, 'quarantined'> {
  const { dir, program, version, startsMax = startsMaxDefault } = options;
  const isKnownBad = readQuarantine(dir).some(({ sha256 }) => sha256 === trial.sha256);
  const start = isKnownBad ? startsMax : countStart(dir);
  if (!isKnownBad && start <= startsMax) return { kind: 'run', trial: { ...trial, start } };
  if (!isKnownBad) {
    put(dir, trial, 'unhealthy');
    quarantined.push(trial.version);
  }
  if (takeBack(trial, options)) return { kind: 'restart' };
  return { kind: 'run', fault: new Error(`${placesOf(program).old} is gone: ${version} goes on`) };
}

/** Behind the note that it is in quarantine, and in this order: whoever dies in between starts, finds that, and does the rest. */
function takeBack(trial: Trial, { dir, program }: Pick<StartOptions, 'dir' | 'program'>): boolean {
  const places = placesOf(program);
  if (existsSync(places.old)) noteFailed(dir, trial);
  const isBack = putOldBack(places);
  endTrial(dir);
  dropPointer(places);
  return isBack;
}

const put = (dir: string, { version, sha256 }: Trial, reason: QuarantinedVersion['reason']): void =>
  putInQuarantine(dir, { version, sha256, reason, at: new Date().toISOString() });
