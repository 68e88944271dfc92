import type { Command } from '@kanade/shared/fleet';
import { describe, expect, it } from 'vitest';
import { createSlots, type GateFacts, refuse } from './gates.ts';

const nowMs = Date.parse('2026-01-01T12:00:00Z');
const open: GateFacts = {
  nowMs,
  brokerAgeMs: 0,
  approvedVersion: undefined,
  isRevoked: false,
  platform: 'linux',
  origin: 'fleet',
  leftGroup: undefined,
};
const command: Command = { id: 'job', version: '1', request_id: 'r', shell: 'sh', script: 'true', timeout_secs: 1 };
const step = { shell: 'sh', script: 'true', timeout_secs: 1 } as const;
const strict = (max_cache_age: string): Partial<Command> => ({ staleness: { mode: 'strict', max_cache_age } });

describe('refuse()', () => {
  it.each<[string, Partial<Command>, Partial<GateFacts>, string | undefined]>([
    ['lets an order pass', {}, {}, undefined],
    ['strict while connected', strict('0s'), {}, undefined],
    ['strict exactly at its age', strict('5m'), { brokerAgeMs: 300_000 }, undefined],
    ['strict over its age', strict('5m'), { brokerAgeMs: 300_001 }, 'staleness'],
    ['strict without any contact', strict('52w'), { brokerAgeMs: Number.POSITIVE_INFINITY }, 'staleness'],
    ['strict with an age that cannot be read', strict('soon'), { brokerAgeMs: 1 }, 'staleness'],
    ['strict for a run that a person started', strict('0s'), { brokerAgeMs: 1, origin: 'local' }, 'staleness'],
    ['cached without contact', { staleness: { mode: 'cached' } }, { brokerAgeMs: Number.POSITIVE_INFINITY }, undefined],
    ['the approved version', {}, { approvedVersion: '1' }, undefined],
    ['another version', {}, { approvedVersion: '2' }, 'version_pin'],
    ['another version of a local run', {}, { approvedVersion: '2', origin: 'local' }, undefined],
    ['a revoked job', {}, { isRevoked: true }, 'revoked'],
    ['a revoked job of a local run', {}, { isRevoked: true, origin: 'local' }, 'revoked'],
    ['an order of a group that was left', {}, { leftGroup: 'commands.group.lab.job' }, 'unsupported'],
    ['a start exactly at the deadline', { deadline_at: '2026-01-01T12:00:00Z' }, {}, undefined],
    ['a start after the deadline', { deadline_at: '2026-01-01T11:59:59.999Z' }, {}, 'deadline'],
    ['a deadline with an offset', { deadline_at: '2026-01-01T13:00:00+01:00' }, {}, undefined],
    ['run_as user on Linux', { run_as: 'user' }, {}, undefined],
    ['run_as user elsewhere', { run_as: 'user' }, { platform: 'darwin' }, 'unsupported'],
    ['run_as system_gui', { run_as: 'system_gui' }, {}, 'unsupported'],
    ['run_as system', { run_as: 'system' }, {}, undefined],
    ['a retry', { retry: { max: 1, backoff_secs: 1 } }, {}, undefined],
    ['a check', { check: { name: 'c' } }, {}, undefined],
    ['lines to emit', { emit: { type: 'events' } }, {}, undefined],
    ['a step afterwards', { finalize: { ...step, run_as: 'user' } }, {}, undefined],
    ['a step afterwards as nobody can be here', { finalize: { ...step, run_as: 'system_gui' } }, {}, 'unsupported'],
    ['files to collect', { collect: { name: 'c' } }, {}, undefined],
    ['a script object', { script: '', script_object: 'a/1', script_object_sha256: 'a'.repeat(64) }, {}, undefined],
    ['a script object without a hash', { script: '', script_object: 'a/1' }, {}, 'no_exit_code'],
    ['a script beside an object', { script_object: 'a/1', script_object_sha256: 'a'.repeat(64) }, {}, 'no_exit_code'],
    ['an empty script object', { script_object: '' }, {}, undefined],
  ])('%s', (_, order, facts, gate) => {
    expect(refuse({ ...command, ...order }, { ...open, ...facts })?.gate).toBe(gate);
  });

  it('names the first gate in order when several would refuse', () => {
    const all = { ...command, ...strict('0s'), deadline_at: '2020-01-01T00:00:00Z' };
    const facts = { ...open, brokerAgeMs: 1, approvedVersion: '2', isRevoked: true };
    expect(refuse(all, facts)?.gate).toBe('staleness');
    expect(refuse(all, { ...facts, brokerAgeMs: 0 })?.gate).toBe('version_pin');
    expect(refuse(all, { ...facts, brokerAgeMs: 0, approvedVersion: '1' })?.gate).toBe('revoked');
  });
});

const never = new AbortController().signal;

describe('createSlots()', () => {
  it('gives places in the order in which they were asked for', async () => {
    const slots = createSlots(1);
    const order: string[] = [];
    const first = await slots.take(never);
    const second = slots.take(never).then((place) => {
      order.push('second');
      return place;
    });
    const third = slots.take(never).then((place) => {
      order.push('third');
      return place;
    });
    first[Symbol.dispose]();
    first[Symbol.dispose](); // twice is once
    (await second)[Symbol.dispose]();
    (await third)[Symbol.dispose]();
    expect(order).toEqual(['second', 'third']);
    (await slots.take(never))[Symbol.dispose]();
  });

  it('counts what already runs, and lets nobody in until there is room', async () => {
    const slots = createSlots(1);
    const adopted = [slots.occupy(), slots.occupy()];
    let isIn = false;
    const waiting = slots.take(never).then((place) => {
      isIn = true;
      return place;
    });
    adopted[0]?.[Symbol.dispose]();
    await Promise.resolve();
    expect(isIn).toBe(false);
    adopted[1]?.[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
  });

  it('forgets who gave up waiting', async () => {
    const slots = createSlots(1);
    const held = await slots.take(never);
    const leaving = new AbortController();
    const gone = slots.take(leaving.signal);
    const waiting = slots.take(never);
    leaving.abort(new Error('stopped'));
    await expect(gone).rejects.toThrow('stopped');
    held[Symbol.dispose]();
    (await waiting)[Symbol.dispose]();
    await expect(slots.take(AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
  });

  it('lets in those who wait when there are more places, in order, and takes none away when there are fewer', async () => {
    const slots = createSlots(2);
    const held = [await slots.take(never), await slots.take(never)];
    const order: number[] = [];
    const places = [1, 2, 3, 4].map(async (number) => {
      const place = await slots.take(never);
      order.push(number);
      return place;
    });
    slots.resize(4);
    await Promise.all(places.slice(0, 2));
    expect(order).toEqual([1, 2]);
    slots.resize(1);
    for (const place of [...held, await places[0]]) place?.[Symbol.dispose]();
    await Promise.resolve();
    expect(order).toEqual([1, 2]); // one still runs, and that is all there is room for
    (await places[1])?.[Symbol.dispose]();
    (await places[2])?.[Symbol.dispose]();
    (await places[3])?.[Symbol.dispose]();
    expect(order).toEqual([1, 2, 3, 4]);
  });
});
