import { expect, it } from 'vitest';
import { reconnectDelayMs } from './reconnect.ts';

it('reconnectDelayMs is at once, then 1, 2, 4 … 30 s', () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 7, 2000].map((count) =>
    reconnectDelayMs(count, { firstMs: 1_000, maxMs: 30_000 }),
  );
  expect(delays).toEqual([0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});
