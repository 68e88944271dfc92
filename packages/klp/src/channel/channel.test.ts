import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { serverLimits } from '../limits.ts';
import { createMemoryPair } from '../memory.ts';
import { Channel } from './channel.ts';
import type { EndReason } from './machine.ts';
import { encodeFrame } from './outgoing.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

function open() {
  const { client, server } = createMemoryPair();
  const ends: EndReason[] = [];
  const limits = { ...serverLimits, frameTimeoutMs: 1_000, stallTimeoutMs: 1_000 };
  const channel = new Channel(server, { limits, onMessage: () => {}, onEnd: (reason) => ends.push(reason) });
  return { client, channel, ends };
}

it('a channel measures the time of each frame for itself', async () => {
  const { client, ends } = open();
  const bytes = encodeFrame('{"jsonrpc":"2.0","method":"a"}');
  for (let count = 0; count < 5; count += 1) {
    client.write(bytes.subarray(0, 9));
    await turn();
    vi.advanceTimersByTime(900);
    client.write(bytes.subarray(9));
    await turn();
  }
  expect(ends).toEqual([]);
  client.write(bytes.subarray(0, 9));
  await turn();
  vi.advanceTimersByTime(1_100);
  expect(ends).toMatchObject([{ kind: 'limit', passed: { limit: 'frameTimeoutMs', maximum: 1_000 } }]);
});

it('a channel measures the time of each stall for itself', async () => {
  const { client, channel, ends } = open();
  for (let count = 0; count < 5; count += 1) {
    client.pause();
    void channel.send(`"${'x'.repeat(200_000)}"`);
    void channel.send(`"${'x'.repeat(200_000)}"`);
    await turn();
    vi.advanceTimersByTime(900);
    client.resume();
    await turn();
    await turn();
  }
  expect(ends).toEqual([]);
  client.pause();
  for (let count = 0; count < 3; count += 1) void channel.send(`"${'x'.repeat(200_000)}"`);
  await turn();
  vi.advanceTimersByTime(1_100);
  expect(ends).toMatchObject([{ kind: 'limit', passed: { limit: 'stallTimeoutMs', maximum: 1_000 } }]);
});
