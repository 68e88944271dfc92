/** The object store of scripts, as this machine may read it: one script by its name, never the list of them. */
import { brokerFault, type FleetErrorCode } from '@kanade/fleet/connection';
import { FleetError, objectInfo, readObject } from '@kanade/fleet/objects';
import { objectStores, scriptObjectBytesMax } from '@kanade/shared/fleet-words';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { ScriptFault } from '../script/script-fault.ts';
import type { ScriptSource } from '../script/scripts.ts';
import { whileConnected } from './connect.ts';

export interface ScriptObjects extends ScriptSource {
  /** The connection is up, for the first time or again. */
  online(): void;
}

export interface ScriptObjectsOptions {
  readonly connection: () => NatsConnection | undefined;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export function createScriptObjects({ connection, log, signal }: ScriptObjectsOptions): ScriptObjects {
  let cameUp = Promise.withResolvers<void>();
  async function attempt<T>(name: string, work: (open: NatsConnection) => Promise<T>): Promise<T | ScriptFault> {
    const open = connection();
    if (!open) return fault('away');
    try {
      return await whileConnected(open, work(open));
    } catch (error) {
      log.warn({ err: error, script: name }, 'a script could not be read from the broker');
      return objectFaultOf(error);
    }
  }
  return {
    digest: (name) =>
      attempt(name, (open) =>
        lookUp(open, name, AbortSignal.any([signal, AbortSignal.timeout(limits.freshManifestMs)])),
      ),
    fetch: (name, sha256) => attempt(name, (open) => fetch(open, { name, sha256 }, signal)),
    untilOnline: () => (connection() ? Promise.resolve() : cameUp.promise),
    online() {
      cameUp.resolve();
      cameUp = Promise.withResolvers();
    },
  };
}

/** Why an object is not there. */
export const fault = (reason: ScriptFault['reason'], detail?: string): ScriptFault => ({
  kind: 'fault',
  reason,
  ...(detail === undefined ? {} : { detail }),
});

async function lookUp(open: NatsConnection, name: string, signal: AbortSignal): ReturnType<ScriptSource['digest']> {
  const look = await objectInfo(open, { store: objectStores.scripts, name, signal });
  if (!look.ok) return fault(look.reason);
  const { sha256 } = look.object;
  return sha256 === undefined ? fault('damaged') : { kind: 'known', sha256 };
}

async function fetch(
  open: NatsConnection,
  { name, sha256 }: { readonly name: string; readonly sha256: string },
  signal: AbortSignal,
): ReturnType<ScriptSource['fetch']> {
  const look = await objectInfo(open, { store: objectStores.scripts, name, signal });
  if (!look.ok) return fault(look.reason);
  const { object } = look;
  if (object.sha256 !== sha256) return fault('changed', `ordered ${shown(sha256)}, stored ${shown(object.sha256)}`);
  if (object.size > scriptObjectBytesMax)
    return fault('too_large', `${object.size} bytes, at most ${scriptObjectBytesMax}`);
  const parts: Uint8Array[] = [];
  for await (const part of readObject(open, object, { signal })) parts.push(part);
  return { kind: 'fetched', bytes: Buffer.concat(parts) };
}

const shown = (sha256: string | undefined): string =>
  sha256 === undefined ? 'without a hash' : `SHA-256 ${sha256.slice(0, 12)}…`;

const reasons: Partial<Record<FleetErrorCode, ScriptFault['reason']>> = {
  no_topology: 'no_store',
  no_jetstream: 'no_store',
  broker_refused: 'forbidden',
  broker_unreachable: 'away',
  broker_timeout: 'away',
  object_damaged: 'damaged',
};

/** What an error of the broker, or of the way to it, means for who wants an object. */
export function objectFaultOf(error: unknown): ScriptFault {
  const code = error instanceof FleetError ? error.code : brokerFault(error)?.code;
  const reason = (code && reasons[code]) ?? 'failed';
  return fault(reason, reason === 'failed' && error instanceof Error ? error.message : undefined);
}
