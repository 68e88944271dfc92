/**
 * Sees to it that this agent becomes the version that the settings want. Here is only who waits for that; what fetches and installs a
 * release is loaded when one is due.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentUpdate, Heartbeat, UpdateState } from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { LiveSettings, WantedVersion } from '../machine/settings.ts';
import type { Tell } from '../report/events.ts';
import type { Boot, Reach } from './boot.ts';

/** What became of one attempt to install a version. */
export type Attempt =
  /** It stands in the place of the running program: this agent ends, and the service manager starts it. */
  | { readonly kind: 'installed' }
  /** The broker is away, or went. */
  | { readonly kind: 'away' }
  /** `refused`: what is stored may not be installed here. `failed`: it could not be done now. */
  | { readonly kind: 'refused' | 'failed'; readonly code: string; readonly reason: string };

/** How far an attempt is. */
export type InstallProgress = Pick<AgentUpdate, 'fetched_bytes' | 'total_bytes'> & {
  readonly state: Extract<UpdateState, 'fetching' | 'installing'>;
};

/** One attempt. Rejects only with the signal's reason; once it replaces the program the signal changes nothing any more. */
export type InstallVersion = (
  version: string,
  given: { readonly onProgress: (progress: InstallProgress) => void; readonly signal: AbortSignal },
) => Promise<Attempt>;

export interface UpdaterOptions {
  /** The version that runs. */
  readonly version: string;
  readonly settings: LiveSettings;
  readonly boot: Omit<Boot, 'program'>;
  /** Loads what installs. */
  readonly load: () => Promise<InstallVersion>;
  /** Resolves when the broker is there, or has come again. */
  readonly untilOnline: () => Promise<void>;
  /** Asked once, when it starts. */
  readonly reach: () => Omit<Reach, 'onBack'>;
  /** Something other is to be told in heartbeats. */
  readonly onChange: () => void;
  readonly tell: Tell;
  readonly log: Logger;
}

export interface Updater extends Disposable {
  /** For heartbeats. */
  told(): Pick<Heartbeat, 'quarantined_versions'> & { readonly target_version: string; readonly update: AgentUpdate };
  /** The version that this agent is to become; undefined when it stays what it is, whoever wants it otherwise. */
  readonly pending: string | undefined;
  /** Looks at what is wanted, now and whenever that changes. Called once. */
  start(): void;
  /** Looks again whether what is wanted was no good here. */
  again(): void;
  /** Resolves when another version stands in the place of this one, the next or the one before. */
  readonly replaced: Promise<void>;
}

/** What is to be done about the version that is wanted. */
export type WantedStep =
  | { readonly kind: 'current' }
  | { readonly kind: 'quarantined' | 'unable'; readonly version: string; readonly reason: string }
  | { readonly kind: 'due'; readonly target: WantedVersion };

/** Pure. */
export function dueOf(
  target: WantedVersion | undefined,
  { version, unable, quarantined }: Pick<UpdaterOptions, 'version'> & Pick<Boot, 'unable' | 'quarantined'>,
): WantedStep {
  if (!target || target.version === version) return { kind: 'current' };
  const wanted = target.version;
  if (unable !== undefined) return { kind: 'unable', version: wanted, reason: unable };
  if (!quarantined.includes(wanted)) return { kind: 'due', target };
  return { kind: 'quarantined', version: wanted, reason: 'it did not become healthy on this machine' };
}

const sameTarget = (a: WantedVersion | undefined, b: WantedVersion | undefined): boolean =>
  a?.version === b?.version && a?.jitterMs === b?.jitterMs;

export function createUpdater(options: UpdaterOptions): Updater {
  const { version, boot, settings, onChange, log } = options;
  const replaced = Promise.withResolvers<void>();
  let update: AgentUpdate = { state: 'current' };
  let underWay: AbortController | undefined;
  let target: WantedVersion | undefined;

  const show = (next: AgentUpdate & { state: UpdateState }): void => {
    const isOther = next.state !== update.state || next.code !== update.code || next.version !== update.version;
    update = next;
    if (isOther) onChange();
  };

  function consider(): void {
    const wanted = settings.current.target;
    if (sameTarget(wanted, target) || update.state === 'restarting') return;
    target = wanted;
    underWay?.abort(new Error('another version is wanted'));
    underWay = undefined;
    const due = dueOf(wanted, { version, ...boot });
    if (due.kind !== 'due') {
      const { kind, ...why } = due;
      if (kind !== 'current') log.warn({ ...why, update: kind }, 'the version that is wanted is not installed');
      show({ state: kind, ...why });
      return;
    }
    const going = new AbortController();
    underWay = going;
    carryOut(options, { target: due.target, show, signal: going.signal }).then(replaced.resolve, (error: unknown) => {
      if (going.signal.aborted) return; // it was taken back
      log.error({ err: error, version: due.target.version }, 'an update could not be carried out');
      show({ state: 'failed', version: due.target.version, code: 'failed', reason: String(error) });
    });
  }

  const begun = new DisposableStack();
  const { quarantined } = boot;
  return {
    start() {
      begun.use(boot.begun({ ...options.reach(), onBack: replaced.resolve }));
      begun.defer(settings.watch(consider));
      consider();
    },
    again() {
      if (update.state !== 'quarantined' || quarantined.includes(target?.version ?? '') || begun.disposed) return;
      target = undefined;
      consider();
    },
    told: () => toldOf(target?.version ?? '', update, quarantined),
    get pending() {
      return underWay ? target?.version : undefined;
    },
    replaced: replaced.promise,
    [Symbol.dispose]() {
      begun.dispose();
      underWay?.abort(new Error('the agent ends'));
    },
  };
}

const toldOf = (target_version: string, update: AgentUpdate, quarantined: readonly string[]) => ({
  ...{ target_version, update },
  ...(quarantined.length === 0 ? {} : { quarantined_versions: [...quarantined] }),
});

interface CarryingOut {
  readonly target: WantedVersion;
  readonly show: (update: AgentUpdate & { state: UpdateState }) => void;
  /** Fires when it is taken back, or the agent ends. */
  readonly signal: AbortSignal;
}

/** Resolves when the version is installed. Rejects when it is taken back. */
async function carryOut(options: UpdaterOptions, { target, show, signal }: CarryingOut): Promise<void> {
  const { boot, untilOnline, load, tell, log } = options;
  const { version, jitterMs } = target;
  const about = { from: options.version, version };
  const wait = async (ms: number, why: Pick<AgentUpdate, 'code' | 'reason'> & { state: UpdateState }) => {
    show({ ...why, version, at: new Date(Date.now() + ms).toISOString() });
    // Its own clock: whoever sets that of the machine moves no rollout.
    await sleep(ms, undefined, { signal, ref: false });
  };
  log.info({ ...about, jitter_ms: jitterMs }, 'another version is wanted');
  await wait(Math.random() * jitterMs, { state: 'waiting' });
  for (let said = ''; ; ) {
    // One that is on trial is not replaced.
    await Promise.race([Promise.all([boot.proved, untilOnline()]), aborted(signal)]);
    show({ state: 'fetching', version });
    const install = await load();
    const attempt = await install(version, { signal, onProgress: (progress) => show({ version, ...progress }) });
    if (attempt.kind === 'installed') {
      log.info(about, 'another version stands in the place of this one, which ends now; running jobs go on');
      tell('agent_update', { ...about, outcome: 'installed' });
      return show({ state: 'restarting', version });
    }
    if (attempt.kind === 'away') {
      // All who were cut off come again together.
      await wait(Math.random() * Math.min(jitterMs, limits.updateAgainSpreadMs), { state: 'waiting', code: 'away' });
      continue;
    }
    const { kind, ...why } = attempt;
    log.warn({ ...about, ...why, outcome: kind }, 'a version that is wanted could not be installed');
    if (said !== why.reason) tell('agent_update', { ...about, outcome: kind, ...why });
    said = why.reason;
    await wait(limits.updateAgainMs + Math.random() * limits.updateAgainSpreadMs, { state: kind, ...why });
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
