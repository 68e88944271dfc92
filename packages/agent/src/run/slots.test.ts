import { describe, expect, it } from 'vitest';
import { createSlots } from './slots.ts';

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
});
