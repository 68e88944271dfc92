/** Whoever puts a job into line, and whoever keeps the line, may be killed at any step: the job runs once, or nobody was promised that it would. */
import { existsSync, mkdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { openJobs, pathOf } from '@kanade/runner';
import { eventually, runtimeWords, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { readTickets } from '../src/record/tickets.ts';
import { programWords, startProgram } from './program.ts';

type Role = 'caller' | 'keeper';

const linesOf = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []);

/** What is true in the end, after a death at a step: `ran`, `created`, `nothing`, or how many steps there were. */
async function outcomeAt(step: number, role: Role): Promise<string> {
  await using dir = await tempDir();
  const root = join(dir.path, 'jobs');
  mkdirSync(root, { mode: 0o700 });
  const bun = runtimeWords('bun');
  const output = await startProgram('queue-and-be-killed', [root, String(step), role], [], bun).output;
  await using jobs = openJobs(root, { keeper: 'process', keeperWords: programWords('keeper', [root, '50'], bun) });
  const [job] = jobs.list().jobs.map(({ view }) => view.job);
  const isPromised = readTickets(root).length > 0;
  if (!job || !isPromised) return output || (job ? 'created' : 'nothing');
  // The record of a launch that was cut off is let alone for seconds: they have passed.
  const record = pathOf(job, 'record');
  if (existsSync(record) && !readFileSync(record, 'utf8').includes('pid')) utimesSync(record, 0, 0);
  expect([step, (await jobs.wait(job)).state?.ending]).toEqual([step, { kind: 'exited', exitCode: 0 }]);
  // Whoever has something kept finds the marks that a dead keeper left.
  await jobs.adopt(job);
  await eventually(
    `all is told, step ${step}`,
    () => linesOf(join(dir.path, 'events')).length > 0 && !jobs.health().keeper,
  );
  expect([step, linesOf(join(dir.path, 'told'))]).toEqual([step, ['ran']]);
  // Who is killed while it tells has it told again.
  expect([step, linesOf(join(dir.path, 'events')).length <= 2]).toEqual([step, true]);
  expect([step, existsSync(pathOf(job, 'environment'))]).toEqual([step, false]);
  return output || 'ran';
}

it.each<[Role, string, number]>([
  ['caller', 'created', 2],
  ['keeper', 'ran', 4],
])(
  'a %s that is killed at each of its steps',
  async (role, among, stepsMin) => {
    const outcomes: string[] = [];
    const together = 12;
    // Every fifth step in the gate, all of them where there is time.
    const stride = process.env.KANADE_EVERY_STEP ? 1 : 5;
    for (let step = 1; !outcomes.some((outcome) => /^\d+$/.test(outcome)); step += together * stride) {
      expect(step, outcomes.join(' ')).toBeLessThan(200);
      outcomes.push(
        ...(await Promise.all(Array.from({ length: together }, (_, n) => outcomeAt(step + n * stride, role)))),
      );
    }
    const steps = outcomes.findIndex((outcome) => /^\d+$/.test(outcome));
    expect(steps).toBeGreaterThan(stepsMin);
    expect(outcomes.slice(0, steps)).toContain(among);
    expect(outcomes.slice(0, steps)).toContain('ran');
  },
  120_000,
);
