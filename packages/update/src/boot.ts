/**
 * The first thing that a program does which updates itself: it counts its starts while it is on trial, and puts the old version back
 * when it has not become healthy. Loads nothing but files, and never keeps a program from running: what goes wrong is in the verdict.
 */

import { takeLock } from '@kanade/durable/lock';
import { putInQuarantine, readQuarantine } from './state/quarantine.ts';
import { lockPath, placesOf, removeState, stateNames } from './state/state-dir.ts';
import { countStart, endTrial, readFailed, readTrial, type Trial } from './state/trial.ts';
import { clearBeside, isBeside, putOldBack } from './swap/exchange.ts';

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
  /** What could not be done; the program runs all the same. */
  readonly fault?: unknown;
}

/** How a program ends which has been exchanged: its service manager starts it again at once. */
export const restartExitCode = 64;
const startsMaxDefault = 3;

/** Counts this start, or puts the old version back. Costs one look into a directory when nothing is on trial. Never throws. */
export function beginStart(options: StartOptions): StartVerdict {
  const quarantined: string[] = [];
  try {
    const names = stateNames(options.dir);
    if (names.includes('failed.json')) noteFailed(options.dir, quarantined);
    const trial = names.includes('trial.json') ? readTrial(options.dir) : undefined;
    if (trial?.version === options.version) return { ...judge(trial, options, quarantined), quarantined };
    if (names.length > 0) clearAway(options, trial);
    return { kind: 'run', quarantined };
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

/** The guard has put the old version back, or was about to. */
function noteFailed(dir: string, quarantined: string[]): void {
  const failed = readFailed(dir);
  if (failed) {
    put(dir, failed, 'unstartable');
    quarantined.push(failed.version);
  }
  removeState(dir, 'failed');
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
  const places = placesOf(program);
  const isKnownBad = readQuarantine(dir).some(({ sha256 }) => sha256 === trial.sha256);
  const start = isKnownBad ? startsMax : countStart(dir);
  if (!isKnownBad && start <= startsMax) return { kind: 'run', trial: { ...trial, start } };
  // In this order: whoever dies in between comes here again, and does the rest.
  if (!isKnownBad) {
    put(dir, trial, 'unhealthy');
    quarantined.push(trial.version);
  }
  const isBack = putOldBack(places);
  endTrial(dir);
  return isBack ? { kind: 'restart' } : { kind: 'run', fault: new Error(`${places.old} is gone: ${version} goes on`) };
}

const put = (dir: string, { version, sha256 }: Trial, reason: 'unhealthy' | 'unstartable'): void =>
  putInQuarantine(dir, { version, sha256, reason, at: new Date().toISOString() });
