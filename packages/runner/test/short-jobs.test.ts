/** Whoever waits for an end knows of it at once: no event that a runtime loses costs a turn of the slow poll. */
import { type Runtime, runtimeWords, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { startProgram } from './program.ts';

/** Between two turns of the slow poll, ms: a lost event costs about as much, and no machine is late by half of that. */
const pollMs = 60_000;

it.each<Runtime>(['node', 'bun'])('1,000 short jobs on %s: nobody waits for the slow poll', async (runtime) => {
  await using dir = await tempDir();
  const { output } = startProgram('short-jobs', [dir.path, '1000', String(pollMs)], [], runtimeWords(runtime));
  const late = JSON.parse(await output) as Record<string, number[]>;
  expect(Object.keys(late)).toEqual(['launcher', 'stranger', 'keeper']);
  for (const [place, times] of Object.entries(late)) {
    expect(times).toHaveLength(1000);
    expect([place, times.filter((ms) => ms > pollMs / 2)]).toEqual([place, []]);
  }
});
