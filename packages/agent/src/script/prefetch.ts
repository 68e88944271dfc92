/** Scripts that the person at the machine may start, fetched before somebody does: a click then needs no broker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '@kanade/shared/manifest';
import type { Logger } from '../config/logger.ts';
import { createRepeated } from '../fleet/repeat.ts';
import { limits } from '../limits.ts';
import type { ScriptDigests } from '../store/script-digests.ts';
import { faultText, type ScriptFault } from './script-fault.ts';
import type { PinnedScript, ScriptSource, Scripts } from './scripts.ts';

export interface PrefetchOptions {
  /** The jobs that are offered here. */
  readonly offered: () => readonly Manifest[];
  readonly scripts: Pick<Scripts, 'ready'>;
  readonly source: () => Pick<ScriptSource, 'digest'>;
  readonly digests: ScriptDigests;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface Prefetch {
  /** What is offered, or what the broker has of it, may be another: looks soon. */
  kick(): void;
  /** What stands under a name now; what was last known of it while the broker cannot be asked. Never rejects. */
  pin(name: string): Promise<PinnedScript | ScriptFault>;
}

export function createPrefetch(options: PrefetchOptions): Prefetch {
  const { source, digests, log, signal } = options;

  async function pin(name: string): Promise<PinnedScript | ScriptFault> {
    const look = await source().digest(name);
    if (look.kind === 'known') {
      remember(() => digests.set(name, look.sha256), log);
      return { name, sha256: look.sha256 };
    }
    if (look.reason === 'missing') remember(() => digests.forget(name), log);
    const isKnowing = look.reason === 'missing' || look.reason === 'damaged';
    const last = isKnowing ? undefined : digests.get(name);
    return last === undefined ? look : { name, sha256: last };
  }

  const looking = createRepeated({
    // A fleet hears of a new job at once: its machines do not fetch all at the same time.
    async run() {
      await sleep(Math.random() * limits.prefetchSpreadMs, undefined, { signal, ref: false });
      await fetchOffered(options, pin);
    },
    onError: (error) => log.warn({ err: error }, 'scripts could not be fetched beforehand'),
    retryMs: limits.prefetchRetryMs,
    signal,
  });
  return { kick: looking.kick, pin };
}

/** How much is kept beforehand is bounded, so that it cannot push out what orders need. */
async function fetchOffered(
  { offered, scripts, digests, log, signal }: PrefetchOptions,
  pin: Prefetch['pin'],
): Promise<void> {
  const names = new Set(offered().flatMap(({ execute }) => execute.script_object || []));
  remember(() => digests.retain(names), log);
  for (const name of [...names].slice(0, limits.prefetchScriptsMax)) {
    signal.throwIfAborted();
    const script = await pin(name);
    const fault = 'kind' in script ? script : await scripts.ready(script);
    if (fault?.reason === 'away') return; // looked at again when it is back
    if (fault) log.warn({ script: name, reason: faultText(name, fault) }, 'a job that is offered cannot run');
  }
}

/** A full disk does not keep what is known; it is asked for again. */
function remember(write: () => void, log: Logger): void {
  try {
    write();
  } catch (error) {
    log.warn({ err: error }, 'the hash of a script could not be written down');
  }
}
