import { expect, it } from 'vitest';
import { PushQueue } from './follow.ts';

function open(queuedMax: number, signal?: AbortSignal) {
  let left = 0;
  const queue = new PushQueue<number>({ queuedMax, signal, onLeave: () => (left += 1) });
  return {
    items: queue.items,
    add: (item: number) => queue.add(item),
    end: () => queue.end(),
    left: () => left,
  };
}

it('delivers in order and ends after what it holds', async () => {
  const queue = open(2);
  queue.add(1);
  queue.add(2);
  queue.end();
  const items: number[] = [];
  for await (const item of queue.items) items.push(item);
  expect(items).toEqual([1, 2]);
  expect(queue.left()).toBe(1);
});

it('wakes a consumer that waits', async () => {
  const queue = open(2);
  const first = queue.items.next();
  queue.add(7);
  expect(await first).toEqual({ done: false, value: 7 });
});

it('delivers what it holds and then says that it overflowed', async () => {
  const queue = open(2);
  for (const item of [1, 2, 3]) queue.add(item);
  expect((await queue.items.next()).value).toBe(1);
  expect((await queue.items.next()).value).toBe(2);
  await expect(queue.items.next()).rejects.toMatchObject({
    kind: 'RateLimit',
    limit: { limit: 'pushesQueuedMax', maximum: 2, actual: 3 },
  });
  expect(await queue.items.next()).toEqual({ done: true, value: undefined });
});

it('leaves when the consumer breaks off', async () => {
  const queue = open(2);
  queue.add(1);
  for await (const _item of queue.items) break;
  expect(queue.left()).toBe(1);
});

it('throws the reason of its signal, before or while waiting', async () => {
  const reason = new Error('stop');
  await expect(open(2, AbortSignal.abort(reason)).items.next()).rejects.toBe(reason);
  const controller = new AbortController();
  const waiting = open(2, controller.signal).items.next();
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});
