import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import { definitions, type StreamDefinition } from './definitions.ts';

/** What became of each stream, by name. Buckets are the streams `KV_*`, object stores `OBJ_*`. */
export interface TopologyReport {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
}

/**
 * Creates the streams, buckets and object stores that are missing and brings the others to their definition; what the
 * definition does not speak of (replicas, placement) stays as it is. Idempotent. Throws FleetError `not_enough_storage`
 * when the broker cannot reserve the space, `topology_conflict` when something else is in the way.
 */
export async function createTopology(
  nc: NatsConnection,
  { signal }: { signal?: AbortSignal } = {},
): Promise<TopologyReport> {
  const report = { created: [] as string[], updated: [] as string[], unchanged: [] as string[] };
  let doing = 'asking the broker for JetStream';
  try {
    const jsm = await abortable(jetstreamManager(nc), signal);
    for (const definition of definitions) {
      doing = `setting up ${definition.name}`;
      report[await abortable(createOrUpdate(jsm, definition), signal)].push(definition.name);
    }
    return report;
  } catch (error) {
    throw translate(error, doing, signal);
  }
}

async function createOrUpdate(jsm: JetStreamManager, definition: StreamDefinition): Promise<keyof TopologyReport> {
  const existing = await findConfig(jsm, definition.name);
  if (!existing) {
    await jsm.streams.add(definition);
    return 'created';
  }
  if (isDefined(existing, definition)) return 'unchanged';
  await jsm.streams.update(definition.name, definition);
  return 'updated';
}

async function findConfig(jsm: JetStreamManager, name: string): Promise<object | undefined> {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}

/** True when every setting of the definition is on the broker already; flags that are false may be absent there. */
function isDefined(existing: object, definition: StreamDefinition): boolean {
  const have = existing as Record<string, unknown>;
  return Object.entries(definition).every(([key, value]) => JSON.stringify(have[key]) === JSON.stringify(value));
}
