import { streams } from '@kanade/shared/fleet-words';
import { type JetStreamManager, jetstreamManager, StorageType, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import { definitions } from './definitions.ts';

/** What an acknowledged message survives, as far as the broker tells a client. */
export interface Durability {
  readonly serverVersion: string;
  /** Copies of a message in the weakest stream. */
  readonly replicas: number;
  readonly onDisk: boolean;
  /** Copies that are not there or not up to date right now, as `STREAM on SERVER`. */
  readonly behind: readonly string[];
  /** The same in one line for a person. */
  readonly line: string;
}

type KeptStream = Pick<StreamInfo, 'config' | 'cluster'>;

/** Most copies that the line names as being behind. */
const namedMax = 3;

/** Reads how the broker keeps everything of ours. Throws FleetError `no_topology` before the topology is there. */
export async function durability(nc: NatsConnection, { signal }: { signal?: AbortSignal } = {}): Promise<Durability> {
  try {
    const jsm = await abortable(jetstreamManager(nc), signal);
    return judgeDurability(nc.info?.version ?? 'unknown', await abortable(readStreams(jsm), signal));
  } catch (error) {
    throw translate(error, 'reading how the broker keeps its streams', signal);
  }
}

async function readStreams(jsm: JetStreamManager): Promise<StreamInfo[]> {
  const ours = new Set(definitions.map(({ name }) => name));
  // Says no_topology by itself where there is none.
  await jsm.streams.info(streams.results);
  const found: StreamInfo[] = [];
  for await (const info of jsm.streams.list()) if (ours.has(info.config.name)) found.push(info);
  return found;
}

/** Pure part of {@link durability}: the whole is as good as its weakest stream. */
export function judgeDurability(serverVersion: string, infos: readonly KeptStream[]): Durability {
  const replicas = Math.min(...infos.map(({ config }) => config.num_replicas));
  const onDisk = infos.every(({ config }) => config.storage === StorageType.File);
  const behind = infos.flatMap(({ config, cluster }) =>
    (cluster?.replicas ?? [])
      .filter(({ current, offline }) => !current || offline)
      .map(({ name }) => `${config.name} on ${name}`),
  );
  const weak = infos.filter(({ config }) => config.num_replicas === replicas).map(({ config }) => config.name);
  const of = weak.length === infos.length ? '' : ` of ${weak.join(', ')}`;
  const late = behind.length === 0 ? '' : `; not up to date now: ${named(behind)}`;
  const line = `nats-server ${serverVersion}, ${copies(replicas)}${of} ${onDisk ? 'on disk' : 'in memory'}: ${survives(replicas, onDisk)}${late}`;
  return { serverVersion, replicas, onDisk, behind, line };
}

const copies = (replicas: number): string => (replicas === 1 ? 'one copy' : `${replicas} copies`);

const named = (names: readonly string[]): string =>
  `${names.slice(0, namedMax).join(', ')}${names.length > namedMax ? ` and ${names.length - namedMax} more` : ''}`;

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
