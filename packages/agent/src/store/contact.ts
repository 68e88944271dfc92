import { uptime } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Durable } from '@kanade/durable';
import { limits } from '../limits.ts';

/** How long somebody waits for what the broker says, in ms, before what it last said holds. */
export interface BrokerPatience {
  /** For the first read after the start of this agent, while there is no connection yet. */
  readonly startMs: number;
  /** For the read that follows every connect. */
  readonly readMs: number;
}

/**
 * How what we know stands to the broker. `starting`: not read since this agent began; `reading`: connected, what forbids orders has
 * not been read on this connection; `current`: it has; `away`: the connection went; `none`: there is no broker.
 */
export type Contact = 'starting' | 'reading' | 'current' | 'away' | 'none';

/**
 * How what we know stands to the broker, and how old it is: on a clock that nobody sets and that goes on while the machine sleeps, and for
 * people, across agents, by the calendar.
 */
export function createContact(file: Pick<Durable, 'transact' | 'look'>, clockMs = () => uptime() * 1000) {
  let contact: Contact = 'starting';
  let lostAtMs = Number.NEGATIVE_INFINITY;
  let changed = Promise.withResolvers<void>();
  return {
    now: () => contact,
    // 0 is for what is up to date: that clock ticks coarsely.
    ageMs: () => (contact === 'current' ? 0 : Math.max(1, clockMs() - lostAtMs)),
    age: () => ({
      isOffline: contact !== 'current' && contact !== 'none',
      asOfMs: contact === 'current' ? Date.now() : lastCurrentMs(file),
    }),
    set(next: Exclude<Contact, 'starting'>) {
      if (contact === 'current' && next !== 'current') lostAtMs = clockMs();
      if ((contact === 'current') !== (next === 'current')) noteCurrent(file, Date.now());
      // A connection that went before anything was read is as good as none.
      contact = next === 'away' && lostAtMs === Number.NEGATIVE_INFINITY ? 'starting' : next;
      changed.resolve();
      changed = Promise.withResolvers();
    },
    async settled(signal: AbortSignal, { startMs, readMs }: BrokerPatience): Promise<void> {
      const sinceMs = performance.now();
      while (contact === 'starting' || contact === 'reading') {
        const leftMs = sinceMs + (contact === 'starting' ? startMs : readMs) - performance.now();
        if (leftMs <= 0) return;
        await untilChanged(changed.promise, leftMs, signal);
      }
    },
  };
}

async function untilChanged(change: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const timer = { signal: AbortSignal.any([signal, done.signal]), ref: false };
  // No timer waits for ever.
  const late = sleep(Math.min(ms, limits.brokerWaitMs), undefined, timer).catch(() => undefined);
  await Promise.race([change, late]);
  done.abort();
  signal.throwIfAborted();
}

/** Written when it begins and when it ends that we know all: after a power cut it is taken for older than it is. */
function noteCurrent(file: Pick<Durable, 'transact'>, nowMs: number): void {
  try {
    file.transact((tx) => tx.sql('INSERT OR REPLACE INTO contact (id, current_at_ms) VALUES (1, ?)').run(nowMs));
  } catch {
    // A full disk: then it is taken for older than it is.
  }
}

const lastCurrentMs = (file: Pick<Durable, 'look'>): number | undefined => {
  const row = file.look((sql) => sql('SELECT current_at_ms FROM contact').get());
  return row && Number(row.current_at_ms);
};
