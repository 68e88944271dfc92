import { streams } from '@kanade/shared/fleet-words';
import { jetstreamManager, PersistMode, StorageType, type StreamConfig } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { durability } from '../topology/durability.ts';
import type { BrokerAccess } from './broker-access.ts';
import { openConnection } from './open-connection.ts';

/** One thing that was looked at. */
export interface BrokerFinding {
  readonly name: 'credentials' | 'broker' | 'jetstream' | 'topology';
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** Oldest server that we work with. */
const versionMin = '2.9.0';
/** From here on a server is free of the faults that are known to us: 2.10.27, 2.11.16 and 2.12.7 on. */
const soundFrom = ['2.10.27', '2.11.16', '2.12.7'] as const;

/** Tries each server of an access by itself, and what stands behind the first that takes us. Never throws but an abort's reason. */
export async function examineBroker(
  access: BrokerAccess,
  { signal, nowMs }: { signal?: AbortSignal; nowMs: number },
): Promise<BrokerFinding[]> {
  const opened = await Promise.all(access.servers.map((server) => tryServer(access, server, signal)));
  const findings = [...credentials(access, nowMs), ...opened.map(({ finding }) => finding)];
  const connections = opened.flatMap(({ connection }) => connection ?? []);
  try {
    const [first] = connections;
    return first ? [...findings, ...(await examineStreams(first, signal))] : findings;
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
}

function credentials({ identity, expiresAtMs }: BrokerAccess, nowMs: number): BrokerFinding[] {
  const name = 'credentials';
  if (expiresAtMs === undefined) return [{ name, ok: true, detail: identity }];
  const when = new Date(expiresAtMs).toISOString();
  if (expiresAtMs > nowMs) return [{ name, ok: true, detail: `${identity}, until ${when}` }];
  return [{ name, ok: false, detail: `${identity} expired at ${when}`, fix: 'renew the .creds file' }];
}

interface Tried {
  readonly finding: BrokerFinding;
  readonly connection?: NatsConnection;
}

async function tryServer(access: BrokerAccess, server: string, signal: AbortSignal | undefined): Promise<Tried> {
  const only: BrokerAccess = {
    ...access,
    servers: [server],
    toOptions: () => ({ ...access.toOptions(), servers: [server] }),
  };
  const connecting = openConnection(only, { name: 'kanade-doctor', pauseMs: () => 250 });
  try {
    const connection = await abortable(connecting, signal);
    return { finding: greeting(server, connection.info?.version ?? ''), connection };
  } catch (error) {
    void connecting.then(
      (late) => late.close(),
      () => {},
    );
    signal?.throwIfAborted();
    if (!(error instanceof FleetError)) throw error;
    return { finding: { name: 'broker', ok: false, detail: error.message, fix: fixOf(error.code) } };
  }
}

const fixOf = (code: FleetError['code']): string =>
  code === 'broker_unreachable' ? 'start it, or correct the address' : 'correct the connection file or the environment';

function greeting(server: string, version: string): BrokerFinding {
  const name = 'broker';
  const detail = `${server} is nats-server ${version}`;
  if (!isAtLeast(version, versionMin)) {
    return { name, ok: false, detail: `${detail}, which is too old`, fix: `use nats-server ${versionMin} or newer` };
  }
  if (isSound(version)) return { name, ok: true, detail };
  const fix = `update it to ${soundFrom.join(', ')} or newer: older ones let any user of an account get past its permissions`;
  return { name, ok: true, detail, fix };
}

/** True from the release of its line on that mends what is known. */
function isSound(version: string): boolean {
  const ofLine = soundFrom.find((sound) => sound.split('.')[1] === version.split('.')[1]);
  return isAtLeast(version, ofLine ?? soundFrom[soundFrom.length - 1] ?? versionMin);
}

function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split(/[.-]/).slice(0, 3).map(Number));
  for (const [at, number] of (want ?? []).entries()) {
    if ((have?.[at] ?? 0) !== number) return (have?.[at] ?? 0) > number;
  }
  return true;
}

/**
 * What a server and a stream on it could do better, a sentence each; none when nothing is to be said. A server does not tell clients
 * its `sync_interval`.
 */
export function weaknessesOf(
  version: string,
  { num_replicas, storage, persist_mode }: Pick<StreamConfig, 'num_replicas' | 'storage' | 'persist_mode'>,
): string[] {
  const least = soundFrom.join(', ');
  return [
    ...(isSound(version) ? [] : [`nats-server ${version} has faults that are known, ${least} or newer has not`]),
    ...(storage === StorageType.Memory ? ['what was acknowledged is lost when the server ends'] : []),
    ...(persist_mode === PersistMode.Async ? ['messages are acknowledged before they are written (persist_mode)'] : []),
    ...(num_replicas > 1 ? [] : ['one copy: a power cut may cost the last minutes, unless sync_interval is "always"']),
  ];
}

async function examineStreams(connection: NatsConnection, signal: AbortSignal | undefined): Promise<BrokerFinding[]> {
  const jetstream: BrokerFinding = { name: 'jetstream', ok: true, detail: 'the broker keeps streams' };
  try {
    const jsm = await abortable(jetstreamManager(connection, { checkAPI: false }), signal);
    await abortable(jsm.streams.info(streams.exec), signal);
    const { line } = await durability(connection, { ...(signal === undefined ? {} : { signal }) });
    return [jetstream, { name: 'topology', ok: true, detail: line }];
  } catch (error) {
    signal?.throwIfAborted();
    const fault = translate(error, 'looking for the streams', signal);
    const { code, message } = fault instanceof FleetError ? fault : { code: '', message: String(fault) };
    if (code === 'no_topology') {
      const detail = 'the streams of kanade are not there';
      return [jetstream, { name: 'topology', ok: false, detail, fix: 'kanade fleet setup' }];
    }
    const fix = code === 'no_jetstream' ? 'enable JetStream in its configuration' : 'look at what this user may do';
    return [{ name: code === 'no_jetstream' ? 'jetstream' : 'topology', ok: false, detail: message, fix }];
  }
}
