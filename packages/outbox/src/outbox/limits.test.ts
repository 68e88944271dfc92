import { describe, expect, it } from 'vitest';
import { resolveLimits } from './limits.ts';

describe('resolveLimits', () => {
  it('keeps defaults for what is absent or undefined', () => {
    expect(resolveLimits({ attemptsMax: 3, pollMs: undefined })).toMatchObject({ attemptsMax: 3, pollMs: 1_000 });
  });

  it.each([
    { attemptsMax: 0 },
    { pollMs: 1.5 },
    { bytesMax: Number.POSITIVE_INFINITY },
    { whenFull: 'forget' },
    { bytesMaximum: 1 },
  ])('refuses %o', (given) => {
    expect(() => resolveLimits(given as object)).toThrow(RangeError);
  });
});
