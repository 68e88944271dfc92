import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { abortable } from '../fault/abortable.ts';
import { isTooFewServers, translate } from '../fault/translate.ts';
import { createPatience } from './cluster-patience.ts';
import { definitions, type StreamDefinition } from './definitions.ts';
import { changesOf, type KeptSetting, type StreamSettings } from './stream-changes.ts';

/** What became of each stream, by name. Buckets are the streams `KV_*`, object stores `OBJ_*`. */
export interface TopologyReport {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly unchanged: readonly string[];
  /** What an operator set otherwise, and was left so. */
  readonly kept: readonly (KeptSetting & { readonly stream: string })[];
  /** Copies that new streams get, and that those with fewer were raised to. */
  readonly replicas: number;
}

export interface TopologyOptions {
  /** Copies of each stream, 1 to 5. Default: three on a cluster of three servers or more, else one; more than that stay. */
  readonly replicas?: number | undefined;
  /** Also bring sizes, ages and histories that somebody changed back to our own. */
  readonly reset?: boolean | undefined;
  /** Hears why servers of a cluster are waited for, once for each reason; a cluster that was just started needs some seconds. */
  onWaiting?(why: string): void;
  readonly signal?: AbortSignal;
}

/** Copies on a cluster. */
const replicasOnCluster = 3;

/**
 * Creates the streams, buckets and object stores that are missing, and corrects in the others what we cannot do without.
 * Sizes, ages and histories of a stream that exists are the operator's: those are reported. A cluster is given up to a minute to
 * choose its leader and to find its servers. Idempotent. Throws FleetError
 * `not_enough_storage` when the broker cannot reserve the space, `too_few_servers` when it cannot hold so many copies,
 * `topology_conflict` when something else is in the way.
 */
export async function createTopology(nc: NatsConnection, options: TopologyOptions = {}): Promise<TopologyReport> {
  const { signal } = options;
  let doing = 'asking the broker for JetStream';
  const patience = createPatience(nc, options);
  try {
    const jsm = await patience.with(() => abortable(jetstreamManager(nc), signal));
    const report = {
      created: [] as string[],
      updated: [] as string[],
      unchanged: [] as string[],
      kept: [] as (KeptSetting & { stream: string })[],
      // A server does not tell how many it has beside it: the first stream finds out.
      replicas: options.replicas ?? (nc.info?.cluster ? replicasOnCluster : 1),
    };
    const exact = options.replicas !== undefined;
    for (const definition of definitions) {
      const { name } = definition;
      doing = `setting up ${name}`;
      const make = (replicas: number) =>
        patience.with(() =>
          abortable(createOrUpdate(jsm, definition, { replicas, exact, reset: options.reset ?? false }), signal),
        );
      const { became, kept } = await make(report.replicas).catch((error: unknown) => {
        if (exact || report.replicas === 1 || !isTooFewServers(error)) throw error;
        report.replicas = 1;
        return make(1);
      });
      report[became].push(name);
      report.kept.push(...kept.map((setting) => ({ stream: name, ...setting })));
    }
    return report;
  } catch (error) {
    throw translate(error, doing, signal);
  }
}

interface Wanted {
  readonly replicas: number;
  /** Also fewer than there are. */
  readonly exact: boolean;
  readonly reset: boolean;
}

async function createOrUpdate(
  jsm: JetStreamManager,
  definition: StreamDefinition,
  { replicas, exact, reset }: Wanted,
): Promise<{ became: 'created' | 'updated' | 'unchanged'; kept: readonly KeptSetting[] }> {
  const existing = await findConfig(jsm, definition.name);
  if (!existing) {
    await jsm.streams.add({ ...definition, num_replicas: replicas });
    return { became: 'created', kept: [] };
  }
  const { changes, kept } = changesOf(existing, definition, reset);
  const copies = exact ? replicas : Math.max(replicas, existing.num_replicas);
  if (copies !== existing.num_replicas) changes.num_replicas = copies;
  if (Object.keys(changes).length === 0) return { became: 'unchanged', kept };
  await jsm.streams.update(definition.name, changes);
  return { became: 'updated', kept };
}

async function findConfig(jsm: JetStreamManager, name: string): Promise<StreamSettings | undefined> {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}
