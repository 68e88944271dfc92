/** Whoever waits for an end knows of it at once: no event that a runtime loses costs a turn of the slow poll. */
import { availableParallelism, loadavg } from 'node:os';
import { type Runtime, runtimeWords, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { startProgram } from './program.ts';

/** A lost event costs a turn of the slow poll, 1,000 ms. A machine with more to do than it has processors is late by itself. */
const lateMsMax = (): number => ((loadavg()[0] ?? 0) > availableParallelism() ? 400 : 100);

it.each<Runtime>(['node', 'bun'])(
  '1,000 short jobs on %s: nobody waits for one 100 ms longer than for the others',
  async (runtime) => {
    await using dir = await tempDir();
    const { output } = startProgram('short-jobs', [dir.path, '1000'], [], runtimeWords(runtime));
    const late = JSON.parse(await output) as Record<string, number[]>;
    expect(Object.keys(late)).toEqual(['launcher', 'stranger', 'keeper']);
    for (const [place, times] of Object.entries(late)) {
      expect(times).toHaveLength(1000);
      const median = times.toSorted((a, b) => a - b)[500] ?? 0;
      expect([place, times.filter((ms) => ms > median + lateMsMax())]).toEqual([place, []]);
    }
  },
  180_000,
);
