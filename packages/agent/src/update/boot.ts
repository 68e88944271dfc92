/** How this program came to run: whether it is a version on trial, and what it may exchange of itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Outbox } from '@kanade/outbox';
import {
  acquit,
  beginStart,
  giveUp,
  markHealthy,
  markWorking,
  type RolledBack,
  rollbackTold,
  type StartVerdict,
} from '@kanade/update/boot';
import type { Logger } from '../config/logger.ts';
import { eventRecord } from '../report/events.ts';
import type { OwnProgram } from './program.ts';

/** What is known of this start. */
export interface Boot {
  /** Why this agent cannot replace itself; undefined when it can. */
  readonly unable: string | undefined;
  /** The executable that is replaced; empty where there is none. */
  readonly program: string;
  /** Versions that did not become healthy here. */
  readonly quarantined: readonly string[];
  /** A version that was put back here, until somebody was told of it. */
  readonly rolledBack?: PutBack;
  /** The agent does its work from now on: one on trial has proved itself when it has done so for a while, and its broker has heard of it. */
  begun(reach: Reach): Disposable;
  /** Resolves when this version has proved itself; one that is not on trial has. */
  readonly proved: Promise<void>;
}

interface PutBack {
  readonly what: RolledBack;
  /** Resolves when it is known whether it was to blame: false = the version that runs instead does not reach the broker either. */
  readonly isToBlame: Promise<boolean>;
  /** Somebody was told. */
  told(isToBlame: boolean): void;
}

/** How this agent stands with its broker. */
export interface Reach {
  /** Resolves when the broker has taken a heartbeat of this agent; undefined where none was configured. */
  readonly heard: Promise<void> | undefined;
  /** When this machine last knew what its broker says before this start, in ms since 1970; undefined if never. */
  readonly beforeMs: number | undefined;
  /** The version before stands in the place of this one, which is to end. */
  onBack(): void;
}

/** A version that was reached before has this much of the time of a trial to be reached again. */
const reachFactor = 4;

const nothing: Disposable = { [Symbol.dispose]: () => undefined };

const unable = (reason: string): Boot => ({
  unable: reason,
  program: '',
  quarantined: [],
  begun: () => nothing,
  proved: Promise.resolve(),
});

/** An agent that another program has started as a part of itself. */
export const noBoot: Boot = unable('it is a part of another program');

/** Where it is remembered what was seen and tried of versions. */
export const updateDir = (dataDir: string): string => join(dataDir, 'update');

interface BootOptions {
  readonly program: OwnProgram;
  readonly version: string;
  readonly dataDir: string;
  /** How long a version on trial has to do its work, in ms. */
  readonly trialMs: number;
  readonly log: Logger;
}

/** Counts this start; `restart` when the version before it stands in its place again, because this one was no good here. */
export async function beginBoot({
  program: own,
  version,
  dataDir,
  trialMs,
  log,
}: BootOptions): Promise<Boot | 'restart'> {
  if (own.kind === 'unable') return unable(own.reason);
  const here = { dir: updateDir(dataDir), program: own.path, version };
  const verdict = beginStart(here);
  note(verdict, { version, log });
  if (verdict.kind === 'restart') return 'restart';
  const quarantined = await quarantineIn(here, log);
  const proof = Promise.withResolvers<void>();
  const blame = Promise.withResolvers<boolean>();
  if (!verdict.trial) proof.resolve();
  if (verdict.rolledBack?.reason !== 'unreachable') blame.resolve(true);
  const known = { here, trialMs, log };
  return {
    unable: undefined,
    program: own.path,
    quarantined,
    proved: proof.promise,
    ...(verdict.rolledBack ? { rolledBack: putBackOf(verdict.rolledBack, { here, quarantined, blame }) } : {}),
    begun(reach) {
      if (verdict.trial) return onTrial({ ...known, trial: verdict.trial, reach, proved: proof.resolve });
      if (verdict.rolledBack?.reason === 'unreachable') return onBehalf({ ...known, reach, judged: blame.resolve });
      return nothing;
    },
  };
}

interface Here {
  readonly dir: string;
  readonly program: string;
  readonly version: string;
}

interface Begun extends Pick<BootOptions, 'trialMs' | 'log'> {
  readonly here: Here;
  readonly reach: Reach;
}

/** Whether a version on trial has to be heard by its broker: it was there for the version before. Pure. */
export const mustBeHeard = (
  { heard, beforeMs }: Pick<Reach, 'heard' | 'beforeMs'>,
  trialAt: string,
  reachMs: number,
): boolean => heard !== undefined && beforeMs !== undefined && beforeMs >= Date.parse(trialAt) - reachMs;

/** Sees a trial to its end: healthy is who has worked for a while, and was heard by the broker where the version before was. */
function onTrial({
  here,
  trial,
  trialMs,
  reach,
  proved,
  log,
}: Begun & { readonly trial: NonNullable<StartVerdict['trial']>; readonly proved: () => void }): Disposable {
  const { version } = here;
  const end = (): void => {
    try {
      markHealthy(here);
      log.info({ version, from: trial.from }, 'this version has proved itself: it stays');
    } catch (error) {
      log.warn({ err: error }, 'it could not be written down that this version has proved itself');
    }
    proved();
  };
  const reachMs = reachFactor * trialMs;
  const isFree = !mustBeHeard(reach, trial.at, reachMs);
  let [isHeard, isOver] = [isFree, false];
  reach.heard?.then(() => {
    isHeard = true;
    if (isOver) end();
  });
  const works = setTimeout(() => {
    isOver = true;
    if (isHeard) return end();
    log.warn({ version }, 'this version works, and has not reached its broker: it stays on trial');
    attempt(() => markWorking(here), log);
  }, trialMs).unref();
  const last = setTimeout(() => {
    if (isHeard || !attempt(() => giveUp(here), log)) return;
    log.error(
      { version, from: trial.from },
      'this version did not reach its broker: the one before it takes its place',
    );
    reach.onBack();
  }, reachMs).unref();
  return { [Symbol.dispose]: () => [works, last].forEach(clearTimeout) };
}

/** The version before one that was not heard: whether it is itself says who was to blame. */
function onBehalf({ trialMs, reach, judged }: Begun & { readonly judged: (isToBlame: boolean) => void }): Disposable {
  const late = setTimeout(() => judged(false), trialMs).unref();
  reach.heard?.then(() => judged(true));
  return { [Symbol.dispose]: () => clearTimeout(late) };
}

function attempt<T>(what: () => T, log: Logger): T | undefined {
  try {
    return what();
  } catch (error) {
    log.warn({ err: error }, 'what is known of versions on this machine could not be corrected');
    return undefined;
  }
}

function putBackOf(
  what: RolledBack,
  { here, quarantined, blame }: { here: Here; quarantined: string[]; blame: PromiseWithResolvers<boolean> },
): PutBack {
  return {
    what,
    isToBlame: blame.promise,
    told(isToBlame) {
      if (isToBlame) return rollbackTold(here);
      acquit(here);
      const at = quarantined.indexOf(what.version);
      if (at >= 0) quarantined.splice(at, 1);
    },
  };
}

const reasons = {
  unhealthy: 'it was started several times and did not become healthy',
  unstartable: 'it did not start',
  unreachable: 'it did not reach its broker',
} as const satisfies Record<RolledBack['reason'], string>;

/** Tells the fleet of a version that was put back: at each start, until it is on disk that it is told. Resolves when it is judged and told. */
export async function tellOfRollback(
  { rolledBack }: Pick<Boot, 'rolledBack'>,
  { pcId, outbox, log }: { readonly pcId: string; readonly outbox: Pick<Outbox, 'enqueue'>; readonly log: Logger },
): Promise<void> {
  if (!rolledBack) return;
  const { from, version, reason: code } = rolledBack.what;
  const isToBlame = await rolledBack.isToBlame;
  const reason = isToBlame ? reasons[code] : `${reasons[code]}, nor does ${from}: it is tried again`;
  try {
    await outbox.enqueue(eventRecord(pcId, 'agent_update', { from, version, outcome: 'rolled_back', code, reason }));
    rolledBack.told(isToBlame);
  } catch (error) {
    log.warn({ err: error, version }, 'that a version was put back could not be told');
  }
}

/** Versions in quarantine. Where nothing was ever updated nothing is loaded for that. */
async function quarantineIn(here: Here, log: Logger): Promise<string[]> {
  if (!existsSync(here.dir)) return [];
  const { openUpdates } = await import('@kanade/update');
  try {
    const { quarantined } = openUpdates({ ...here, keysFile: '' }).standing();
    return [...new Set(quarantined.map(({ version }) => version))];
  } catch (error) {
    log.warn({ err: error }, 'which versions are in quarantine cannot be read: nothing is installed');
    return [];
  }
}

function note(
  { kind, trial, quarantined, fault }: StartVerdict,
  { version, log }: Pick<BootOptions, 'version' | 'log'>,
) {
  if (quarantined.length > 0)
    log.error({ quarantined }, 'a version did not become healthy here: it is not installed again');
  if (kind === 'restart')
    log.error({ version }, 'this version did not become healthy here: the one before it takes its place');
  else if (trial) log.info({ version, from: trial.from, start: trial.start }, 'this version is on trial');
  if (fault !== undefined)
    log.warn({ err: fault }, 'what is known of versions on this machine could not be looked at or corrected');
}
