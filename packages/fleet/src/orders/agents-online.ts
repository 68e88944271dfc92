import { anyHeartbeat, anyHostPerf, createReader, Heartbeat, HostPerf } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import { isFrom } from '../stream/read-value.ts';
import { readHeartbeat, readMessage } from './ping-agent.ts';

/** How long to listen, in ms: agents send a heartbeat every 30 s unless configured otherwise, so all of them have spoken. */
export const listenMsDefault = 35_000;
/** How many machines are remembered; more are counted in `overflow`. */
export const agentsMaxDefault = 20_000;

export interface AgentsOnlineOptions {
  /** Default {@link listenMsDefault}. */
  readonly listenMs?: number | undefined;
  /** Default {@link agentsMaxDefault}. */
  readonly agentsMax?: number;
  /** Hears of each machine when its first heartbeat arrives. */
  onAgent?(heartbeat: Heartbeat): void;
  readonly signal?: AbortSignal | undefined;
}

export interface AgentsOnline {
  /** The newest heartbeat of each machine, by pc id, with its load where that was heard, too. */
  readonly agents: readonly (Heartbeat & { readonly host_perf?: HostPerf })[];
  /** Messages on heartbeat subjects that were none, or that named another machine. */
  readonly unreadable: number;
  /** Heartbeats of machines above the limit. */
  readonly overflow: number;
}

/** Listens for heartbeats for a while and tells which machines sent one. */
export async function agentsOnline(fleet: Fleet, options: AgentsOnlineOptions = {}): Promise<AgentsOnline> {
  const { listenMs = listenMsDefault, agentsMax = agentsMaxDefault, signal } = options;
  const read = createReader(Heartbeat);
  const newest = new Map<string, Heartbeat>();
  let unreadable = 0;
  let overflow = 0;
  const loads = listenForLoads(fleet, agentsMax);
  const subscription = fleet.connection.subscribe(anyHeartbeat);
  const timer = setTimeout(() => subscription.unsubscribe(), listenMs);
  const listen = async (): Promise<void> => {
    for await (const message of subscription) {
      const heartbeat = readHeartbeat(message, read);
      if (!heartbeat || !isFrom(message, heartbeat.pc_id)) unreadable += 1;
      else if (newest.has(heartbeat.pc_id)) newest.set(heartbeat.pc_id, heartbeat);
      else if (newest.size >= agentsMax) overflow += 1;
      else {
        newest.set(heartbeat.pc_id, heartbeat);
        options.onAgent?.(heartbeat);
      }
    }
  };
  try {
    await abortable(listen(), signal);
  } catch (error) {
    throw translate(error, 'listening for heartbeats', signal);
  } finally {
    clearTimeout(timer);
    subscription.unsubscribe();
    loads.stop();
  }
  const agents = [...newest.values()]
    .sort((a, b) => (a.pc_id < b.pc_id ? -1 : 1))
    .map((heartbeat) => {
      const load = loads.newest.get(heartbeat.pc_id);
      return load ? { ...heartbeat, host_perf: load } : heartbeat;
    });
  return { agents, unreadable, overflow };
}

/** Hears of loads beside heartbeats. A broker that does not let us, or a machine that tells none, costs only what it would have said. */
function listenForLoads({ connection }: Fleet, machinesMax: number) {
  const newest = new Map<string, HostPerf>();
  const read = createReader(HostPerf);
  const subscription = connection.subscribe(anyHostPerf, {
    callback: (error, message) => {
      const load = error ? undefined : readMessage(message, read);
      if (load && isFrom(message, load.pc_id) && (newest.size < machinesMax || newest.has(load.pc_id)))
        newest.set(load.pc_id, load);
    },
  });
  return { newest, stop: () => subscription.unsubscribe() };
}
