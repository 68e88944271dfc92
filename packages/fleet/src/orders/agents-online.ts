import { anyHeartbeat, createReader, Heartbeat } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import { readHeartbeat } from './ping-agent.ts';

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
  /** The newest heartbeat of each machine, by pc id. */
  readonly agents: readonly Heartbeat[];
  /** Messages on heartbeat subjects that were none. */
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
  const subscription = fleet.connection.subscribe(anyHeartbeat);
  const timer = setTimeout(() => subscription.unsubscribe(), listenMs);
  const listen = async (): Promise<void> => {
    for await (const message of subscription) {
      const heartbeat = readHeartbeat(message, read);
      if (!heartbeat) unreadable += 1;
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
  }
  const agents = [...newest.values()].sort((a, b) => (a.pc_id < b.pc_id ? -1 : 1));
  return { agents, unreadable, overflow };
}
