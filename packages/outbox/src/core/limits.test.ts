import { describe, expect, it } from 'vitest';
import { resolveOutboxLimits } from './limits.ts';

describe('resolveOutboxLimits', () => {
  it('keeps defaults for what is absent or undefined', () => {
    expect(resolveOutboxLimits({ attemptsMax: 3, pollMs: undefined })).toMatchObject({ attemptsMax: 3, pollMs: 1_000 });
  });

  it.each([
    { attemptsMax: 0 },
    { pollMs: 1.5 },
    { bytesMax: Number.POSITIVE_INFINITY },
    { whenFull: 'forget' },
    { bytesMaximum: 1 },
  ])('refuses %o', (given) => {
    expect(() => resolveOutboxLimits(given as object)).toThrow(RangeError);
  });
});
