/** The scripts of runs: those that stand in their orders, and those of the object store, from this disk or from the broker. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { Refusal, Run } from '../run/model.ts';
import type { ScriptCache } from './script-cache.ts';
import { refusalOf, type ScriptFault } from './script-fault.ts';

/** The broker's object store of scripts. Nothing rejects. */
export interface ScriptSource {
  /** The SHA-256 (hex) of what stands under a name now. */
  digest(name: string): Promise<{ readonly kind: 'known'; readonly sha256: string } | ScriptFault>;
  /** The bytes under a name, if they have this SHA-256; one attempt. */
  fetch(name: string, sha256: string): Promise<{ readonly kind: 'fetched'; readonly bytes: Uint8Array } | ScriptFault>;
  /** Resolves when the broker is there, or has come again. */
  untilOnline(): Promise<void>;
}

/** A script as an order names it. */
export interface PinnedScript {
  readonly name: string;
  readonly sha256: string;
}

export interface Scripts {
  /**
   * Sees to it that the script of a run is on this disk, and stays there until what this resolves with is disposed of; or says why it
   * cannot be had. Runs that want the same one share a fetch. An order of the fleet gives a broker that is away some time to come back.
   * Rejects with the signal's reason on abort.
   */
  hold(run: Run, signal: AbortSignal): Promise<Disposable | Refusal>;
  /** The script, hashed anew. At once. */
  textOf(command: Command): string | Refusal;
  /** Fetches a script that a later run may want. Never rejects; a fault where it could not be had. */
  ready(script: PinnedScript): Promise<ScriptFault | undefined>;
}

export interface ScriptsOptions {
  readonly cache: ScriptCache;
  readonly source: () => ScriptSource;
  readonly log: Logger;
}

const nothing: Disposable = { [Symbol.dispose]: () => undefined };

export function createScripts(options: ScriptsOptions): Scripts {
  const { cache, source } = options;
  const underWay = new Map<string, Promise<ScriptFault | undefined>>();

  /** One attempt for all who want it now. */
  function ready(script: PinnedScript): Promise<ScriptFault | undefined> {
    const { name, sha256 } = script;
    if (cache.read(sha256)) return Promise.resolve(undefined);
    const known = underWay.get(`${sha256} ${name}`);
    if (known) return known;
    const fetching = fetchInto(options, script).finally(() => underWay.delete(`${sha256} ${name}`));
    underWay.set(`${sha256} ${name}`, fetching);
    return fetching;
  }

  return {
    ready,
    async hold({ command, origin }, signal) {
      const script = pinnedOf(command);
      if (!script) return nothing;
      const held = cache.hold(script.sha256);
      try {
        const sinceMs = performance.now();
        for (;;) {
          signal.throwIfAborted();
          const fault = await abortable(ready(script), signal);
          if (!fault) return held;
          const leftMs = origin === 'fleet' ? sinceMs + limits.scriptWaitMs - performance.now() : 0;
          if (fault.reason !== 'away' || leftMs <= 0) {
            held[Symbol.dispose]();
            return refusalOf(script.name, fault);
          }
          await pause(source().untilOnline(), leftMs, signal);
        }
      } catch (error) {
        held[Symbol.dispose]();
        throw error;
      }
    },
    textOf(command) {
      const script = pinnedOf(command);
      if (!script) return command.script;
      const bytes = cache.read(script.sha256);
      return (bytes && decoded(bytes)) ?? refusalOf(script.name, gone);
    },
  };
}

/** Somebody took it away between the fetch and the launch, or wrote into it. */
const gone: ScriptFault = {
  kind: 'fault',
  reason: 'failed',
  detail: 'its copy on this disk was changed right before the launch',
};

/** What a script object of an order is called by; undefined for a script that stands in the order. */
function pinnedOf({ script_object, script_object_sha256 = '' }: Command): PinnedScript | undefined {
  return script_object ? { name: script_object, sha256: script_object_sha256.toLowerCase() } : undefined;
}

async function fetchInto(
  { cache, source, log }: ScriptsOptions,
  script: PinnedScript,
): Promise<ScriptFault | undefined> {
  const { name, sha256 } = script;
  const fetched = await source().fetch(name, sha256);
  if (fetched.kind === 'fault') return fetched;
  if (decoded(fetched.bytes) === undefined) return { kind: 'fault', reason: 'not_utf8' };
  try {
    if (!cache.keep(sha256, fetched.bytes)) return { kind: 'fault', reason: 'no_room' };
  } catch (error) {
    log.error({ err: error, script: name }, 'a script could not be kept on this disk');
    return { kind: 'fault', reason: 'failed', detail: (error as Error).message };
  }
  log.info({ script: name, sha256 }, 'fetched a script');
  return undefined;
}

/** To the byte: a mark at its beginning is for the shell to judge. Undefined for what is no UTF-8. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** A broker that answers and then does not is given a moment, too. */
async function pause(online: Promise<void>, leftMs: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const timer = { signal: AbortSignal.any([signal, done.signal]), ref: false };
  const wait = (ms: number): Promise<void> => sleep(ms, undefined, timer).catch(() => undefined);
  await Promise.race([online.then(() => wait(limits.readRetryMs)), wait(leftMs)]);
  done.abort();
  signal.throwIfAborted();
}
