import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTicker } from './ticker.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

it('createTicker() goes at once and then in its interval, keeps to a new one, and rests when stopped', () => {
  let [everyMs, ticks] = [1_000, 0];
  const ticker = createTicker(
    () => everyMs,
    () => void ticks++,
  );
  vi.advanceTimersByTime(10_000);
  ticker.retime(); // of one that rests means nothing
  expect([ticks, vi.getTimerCount()]).toEqual([0, 0]);
  ticker.start();
  vi.advanceTimersByTime(2_500);
  expect(ticks).toBe(3);
  everyMs = 100;
  ticker.retime(); // the last one was 500 ms ago: it is due
  vi.advanceTimersByTime(0);
  expect(ticks).toBe(4);
  vi.advanceTimersByTime(250);
  expect(ticks).toBe(6);
  everyMs = 10_000;
  ticker.retime();
  vi.advanceTimersByTime(9_000);
  expect(ticks).toBe(6);
  ticker.start(); // a connection that came again: now, and no second timer
  expect([ticks, vi.getTimerCount()]).toEqual([7, 1]);
  ticker.stop();
  expect(vi.getTimerCount()).toBe(0);
});
