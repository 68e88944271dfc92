/** How this program came to run: whether it is a version on trial, and what it may exchange of itself. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Outbox } from '@kanade/outbox';
import { beginStart, markHealthy, type RolledBack, rollbackTold, type StartVerdict } from '@kanade/update/boot';
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
  readonly rolledBack?: { readonly what: RolledBack; told(): void };
  /** The agent does its work from now on: one on trial has proved itself when it has done so for a while. */
  begun(): Disposable;
  /** Resolves when this version has proved itself; one that is not on trial has. */
  readonly proved: Promise<void>;
}

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
  const proof = Promise.withResolvers<void>();
  if (!verdict.trial) proof.resolve();
  return {
    unable: undefined,
    program: own.path,
    quarantined: await quarantineIn(here, log),
    proved: proof.promise,
    ...(verdict.rolledBack ? { rolledBack: { what: verdict.rolledBack, told: () => rollbackTold(here) } } : {}),
    begun() {
      if (!verdict.trial) return nothing;
      const timer = setTimeout(() => {
        try {
          markHealthy(here);
          log.info({ version, from: verdict.trial?.from }, 'this version has proved itself: it stays');
        } catch (error) {
          log.warn({ err: error }, 'it could not be written down that this version has proved itself');
        }
        proof.resolve();
      }, trialMs).unref();
      return { [Symbol.dispose]: () => clearTimeout(timer) };
    },
  };
}

const reasons = {
  unhealthy: 'it was started several times and did not become healthy',
  unstartable: 'it did not start',
} as const satisfies Record<RolledBack['reason'], string>;

/** Tells the fleet of a version that was put back: at each start, until it is on disk that it is told. */
export function tellOfRollback(
  { rolledBack }: Pick<Boot, 'rolledBack'>,
  { pcId, outbox, log }: { readonly pcId: string; readonly outbox: Pick<Outbox, 'enqueue'>; readonly log: Logger },
): void {
  if (!rolledBack) return;
  const { from, version, reason: code } = rolledBack.what;
  const payload = { from, version, outcome: 'rolled_back', code, reason: reasons[code] };
  outbox
    .enqueue(eventRecord(pcId, 'agent_update', payload))
    .then(() => rolledBack.told())
    .catch((error: unknown) => log.warn({ err: error, version }, 'that a version was put back could not be told'));
}

/** Versions in quarantine. Where nothing was ever updated nothing is loaded for that. */
async function quarantineIn(here: { dir: string; program: string; version: string }, log: Logger): Promise<string[]> {
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
