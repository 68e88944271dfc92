import { streams } from '@kanade/shared/fleet';
import { jetstreamManager, StorageType, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';

/** What an acknowledged message survives, as far as the broker tells a client. */
export interface Durability {
  readonly serverVersion: string;
  /** Copies of a message in the weakest stream that holds orders and results. */
  readonly replicas: number;
  readonly onDisk: boolean;
  /** The same in one line for a person. */
  readonly line: string;
}

/** Reads how the broker keeps orders and results. Throws FleetError `no_topology` before the topology is there. */
export async function durability(nc: NatsConnection, { signal }: { signal?: AbortSignal } = {}): Promise<Durability> {
  try {
    const jsm = await abortable(jetstreamManager(nc), signal);
    const names = [streams.exec, streams.results];
    const infos = await abortable(Promise.all(names.map((name) => jsm.streams.info(name))), signal);
    return judgeDurability(nc.info?.version ?? 'unknown', infos);
  } catch (error) {
    throw translate(error, 'reading how the broker keeps its streams', signal);
  }
}

/** Pure part of {@link durability}. */
export function judgeDurability(serverVersion: string, infos: readonly Pick<StreamInfo, 'config'>[]): Durability {
  const replicas = Math.min(...infos.map(({ config }) => config.num_replicas));
  const onDisk = infos.every(({ config }) => config.storage === StorageType.File);
  const line = `nats-server ${serverVersion}, ${copies(replicas)} ${onDisk ? 'on disk' : 'in memory'}: ${survives(replicas, onDisk)}`;
  return { serverVersion, replicas, onDisk, line };
}

const copies = (replicas: number): string => (replicas === 1 ? 'one copy' : `${replicas} copies`);

function survives(replicas: number, onDisk: boolean): string {
  const tolerated = Math.floor((replicas - 1) / 2);
  if (tolerated > 0) {
    return `acknowledged messages survive the loss of ${tolerated} of ${replicas} servers; a power cut of all may cost the last minutes`;
  }
  // The server syncs its files on a timer (2 minutes unless sync_interval says otherwise) and does not tell clients which.
  return onDisk
    ? 'acknowledged messages survive a crash of the server; a power cut may cost the last minutes, unless sync_interval is "always"'
    : 'acknowledged messages are lost when the server ends';
}
