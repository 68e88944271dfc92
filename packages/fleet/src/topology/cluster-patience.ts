/** What servers of a cluster need after their start: the time to find each other and to choose a leader. */
import { setTimeout as pause } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { brokerFault, isTooFewServers } from '../fault/translate.ts';

/** How long a cluster is given in all, in ms. */
const patienceMs = 60_000;
/** How long it is given while it names fewer than three servers, which may be all that it has, in ms. */
const strangersMs = 10_000;
/** Pause before it is asked again, in ms. */
const againMs = 250;
/** Servers that hold three copies. */
const serversWanted = 3;

export interface ClusterPatience {
  /** Tries until it works, fails for another reason than a cluster that is not ready, or the time is over. */
  with<T>(attempt: () => Promise<T>): Promise<T>;
}

export interface PatienceOptions {
  readonly replicas?: number | undefined;
  onWaiting?(why: string): void;
  readonly signal?: AbortSignal;
}

/** The patience of one call, all attempts together. With a lone server there is none. */
export function createPatience(nc: NatsConnection, { replicas, onWaiting, signal }: PatienceOptions): ClusterPatience {
  const sinceMs = performance.now();
  const told = new Set<string>();

  /** Why it is worth while to wait, and how long since the call began, in ms. */
  function reasonFor(error: unknown): { why: string; untilMs: number } | undefined {
    if (!nc.info?.cluster) return undefined;
    if (isTooFewServers(error)) {
      const known = nc.info.connect_urls?.length ?? 0;
      const why = `it has not enough servers for ${replicas ?? serversWanted} copies yet`;
      return { why, untilMs: known >= (replicas ?? serversWanted) ? patienceMs : strangersMs };
    }
    const isLeaderless = brokerFault(error)?.code === 'broker_timeout';
    return isLeaderless ? { why: 'its servers have not chosen a leader yet', untilMs: patienceMs } : undefined;
  }

  return {
    async with(attempt) {
      for (;;) {
        try {
          return await attempt();
        } catch (error) {
          const reason = signal?.aborted ? undefined : reasonFor(error);
          if (!reason || performance.now() - sinceMs >= reason.untilMs) throw error;
          if (!told.has(reason.why)) onWaiting?.(reason.why);
          told.add(reason.why);
          await pause(againMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
        }
      }
    },
  };
}
