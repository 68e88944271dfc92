import { expect, it } from 'vitest';
import { killWaitMs, planStop } from './stop-plan.ts';

it.each([
  [
    'SIGTERM',
    5000,
    false,
    [
      { signal: 'SIGTERM', waitMs: 5000 },
      { signal: 'SIGKILL', waitMs: killWaitMs },
    ],
  ],
  [
    'SIGINT',
    0,
    false,
    [
      { signal: 'SIGINT', waitMs: 0 },
      { signal: 'SIGKILL', waitMs: killWaitMs },
    ],
  ],
  ['SIGUSR1', 3000, true, [{ signal: 'SIGUSR1', waitMs: 3000 }]],
  ['SIGKILL', 5000, false, [{ signal: 'SIGKILL', waitMs: killWaitMs }]],
] as const)('planStop(%s, %i, only %s)', (signal, graceMs, only, steps) => {
  expect(planStop(signal, graceMs, only).steps).toEqual(steps);
});
