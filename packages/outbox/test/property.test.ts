/**
 * Random interleavings of what an outbox can be asked and what can happen to it, against a model of what may be true then.
 * A failure names its seed: `PROPERTY_SEED` cannot be set from outside on purpose, change `firstSeed` to repeat one.
 */
import { join } from 'node:path';
import { type DrainReport, openOutbox, type QueuedRecord } from '@kanade/outbox';
import { seeded } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { tempDir } from './temp-dir.ts';

const firstSeed = 20_260_808;
const runs = 25;
const steps = 120;
const attemptsMax = 4;
const deliverTimeoutMs = 30_000;

/** What was enqueued and what became of it: the whole truth an outbox has to agree with. */
interface Modelled {
  readonly id: string;
  readonly order: number;
  readonly key: string | undefined;
  readonly expiresAtMs: number | undefined;
  notBeforeMs: number;
  fate: 'queued' | 'delivered' | 'quarantined' | 'dropped';
  failures: number;
}

/** The model: what an ending does to a record, and what must hold when an attempt starts. */
function createModel() {
  const records = new Map<string, Modelled>();
  const flying = new Set<string>();
  const faults: string[] = [];
  let latestMs = 0;
  return {
    records,
    faults,
    /** A time that has come stays come, even if the clock goes back. */
    sees(nowMs: number): void {
      latestMs = Math.max(latestMs, nowMs);
    },
    queued: () => [...records.values()].filter((record) => record.fate === 'queued'),
    starts({ id, attempts }: QueuedRecord, nowMs: number): void {
      const record = records.get(id);
      if (!record) return void faults.push(`${id}: never enqueued`);
      if (record.fate !== 'queued') faults.push(`${id}: attempted after it was ${record.fate}`);
      if (flying.has(id)) faults.push(`${id}: attempted twice at once`);
      if (attempts !== record.failures) faults.push(`${id}: ${attempts} attempts counted, ${record.failures} failed`);
      if (record.notBeforeMs > Math.max(latestMs, nowMs)) faults.push(`${id}: too early`);
      for (const other of records.values()) {
        const before = other.key === record.key && record.key !== undefined && other.order < record.order;
        if (before && other.fate === 'queued') faults.push(`${id}: before ${other.id} of its key`);
      }
      flying.add(id);
    },
    ends(id: string, success: boolean): void {
      flying.delete(id);
      const record = records.get(id);
      if (record?.fate !== 'queued') return;
      if (success) record.fate = 'delivered';
      else if (++record.failures >= attemptsMax) record.fate = 'quarantined';
    },
    restarts: () => flying.clear(),
  };
}

async function play(seed: number): Promise<void> {
  const random = seeded(seed);
  const below = (count: number) => Math.floor(random() * count);
  let answering = 0;
  const clock = createManualClock(undefined, () => answering > 0);
  const path = join(tempDir(), 'outbox.db');
  const model = createModel();
  const log: string[] = [];
  let outbox = open();
  let draining: Promise<DrainReport> | null = null;
  let stop = new AbortController();
  let stopping = false;
  const silent = new Map<string, () => void>();

  function open() {
    return openOutbox({
      path,
      clock,
      random,
      limits: { attemptsMax, deliverTimeoutMs, pollMs: 60_000 },
      onEvent(event) {
        log.push(JSON.stringify(event));
        if (event.type === 'dropped') {
          const record = model.records.get(event.id);
          if (record) record.fate = 'dropped';
          if (event.reason === 'expired' && (record?.expiresAtMs ?? Number.POSITIVE_INFINITY) > clock.nowMs())
            model.faults.push(`${event.id}: expired too early`);
        }
      },
    });
  }

  async function deliver(record: QueuedRecord, { signal }: { signal: AbortSignal }): Promise<void> {
    model.starts(record, clock.nowMs());
    const kind = below(10);
    answering++;
    for (let turn = below(4); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve));
    answering--;
    if (kind === 0) {
      // Never answers: its time runs out, or the drain stops.
      await new Promise<void>((resolve) => {
        silent.set(record.id, resolve);
        signal.addEventListener('abort', () => {
          silent.delete(record.id);
          if (!stopping) model.ends(record.id, false);
        });
      });
      return;
    }
    const success = kind < 6;
    // A failure while stopping counts for nothing.
    if (success || !stopping) model.ends(record.id, success);
    if (!success) throw new Error('no');
  }

  const start = () => {
    if (draining) return;
    stop = new AbortController();
    stopping = false;
    draining = outbox.drain({ deliver, signal: stop.signal, concurrency: 1 + below(6) });
  };
  const halt = async () => {
    stopping = true;
    stop.abort();
    for (let count = 0; count < 3 && draining; count++) await clock.pass(5_000);
    await draining;
    draining = null;
    model.restarts();
  };

  const actions: Record<string, () => Promise<unknown>> = {
    async enqueue() {
      const order = model.records.size;
      const id = `r${order}`;
      const key = below(3) === 0 ? `k${below(3)}` : undefined;
      const notBeforeMs = below(4) === 0 ? clock.nowMs() + below(60_000) : 0;
      const expiresAtMs = below(6) === 0 ? clock.nowMs() + 30_000 + below(120_000) : undefined;
      model.records.set(id, { id, order, key, expiresAtMs, notBeforeMs, fate: 'queued', failures: 0 });
      const optional = {
        ...(key && { orderKey: key }),
        ...(expiresAtMs && { expiresAtMs }),
        ...(notBeforeMs && { notBeforeMs }),
      };
      await outbox.enqueue({ id, subject: 's', body: new TextEncoder().encode(id), priority: below(3), ...optional });
    },
    async again() {
      const [record] = model.queued().slice(below(4));
      if (!record) return;
      const optional = record.key ? { orderKey: record.key } : {};
      const outcome = await outbox.enqueue({
        id: record.id,
        subject: 's',
        body: new TextEncoder().encode(record.id),
        ...optional,
      });
      // It may have been delivered, and be gone from the store, before this came.
      if (outcome.kind === 'queued')
        model.records.set(record.id, {
          ...record,
          fate: 'queued',
          failures: 0,
          notBeforeMs: 0,
          order: model.records.size,
        });
    },
    pass: () => clock.pass(below(40_000)),
    async jump() {
      clock.set(clock.nowMs() + (below(2) === 0 ? 1 : -1) * below(600_000));
    },
    async drain() {
      start();
    },
    halt,
    async restart() {
      await halt();
      await outbox[Symbol.asyncDispose]();
      outbox = open();
    },
    async drop() {
      await halt();
      const [record] = model.queued();
      if (record) await outbox.drop({ ids: [record.id] });
    },
    async replay() {
      await halt();
      for (const record of model.records.values()) {
        if (record.fate !== 'quarantined') continue;
        Object.assign(record, { fate: 'queued', failures: 0, notBeforeMs: 0 });
      }
      await outbox.replay({ state: 'quarantined' });
    },
  };
  const names = [
    'enqueue',
    'enqueue',
    'enqueue',
    'again',
    'pass',
    'pass',
    'pass',
    'jump',
    'drain',
    'drain',
    'halt',
    'restart',
    'drop',
    'replay',
  ];

  const check = async (where: string) => {
    expect(model.faults, where).toEqual([]);
    const stored = new Map((await outbox.list({ limit: 1_000 })).map((entry) => [entry.id, entry.state]));
    for (const { id, fate } of model.records.values()) {
      const expected = fate === 'queued' || fate === 'quarantined';
      expect(stored.has(id), `${where}: ${id} is ${fate}`).toBe(expected);
      if (expected) expect(stored.get(id) === 'quarantined', `${where}: ${id} is ${fate}`).toBe(fate === 'quarantined');
    }
    expect(stored.size, where).toBe(
      [...model.records.values()].filter(({ fate }) => fate === 'queued' || fate === 'quarantined').length,
    );
    expect(await outbox.verify({ structure: true }), where).toMatchObject({ ok: true });
  };

  for (let step = 0; step < steps; step++) {
    const name = names[below(names.length)] ?? '';
    log.push(name);
    await actions[name]?.();
    model.sees(clock.nowMs());
    if (step % 10 === 9) {
      await halt();
      await check(`seed ${seed}, step ${step}, ${log.slice(-12).join(' ')}`);
    }
  }
  // In the end everything leaves: delivered, expired, or set apart.
  start();
  for (let minute = 0; minute < 600 && model.queued().length > 0; minute++) await clock.pass(60_000);
  await halt();
  expect(model.queued(), `seed ${seed}, at the end`).toEqual([]);
  await check(`seed ${seed}, at the end`);
  for (const resolve of silent.values()) resolve();
  await outbox[Symbol.asyncDispose]();
}

it.each(Array.from({ length: runs }, (_, index) => firstSeed + index))(
  'agrees with the model, seed %i',
  { timeout: 10_000 },
  (seed) => play(seed),
);
