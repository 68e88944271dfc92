/** Whoever launches may be killed at any step: afterwards nothing runs, or deadline, sinks and ending still happen. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Jobs, openJobs } from '@kanade/runner';
import { eventually, runtimeWords, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { listProcesses } from '../src/process/identity.ts';
import { markOf } from '../src/process/tree.ts';
import { replaceState, writeFirstState } from '../src/record/files.ts';
import { pathOf, readState, type StateFile } from '../src/record/layout.ts';
import { programWords, startProgram } from './program.ts';

type Where = 'here' | 'process';

async function launchAt(root: string, step: number, keeper: Where): Promise<string> {
  // Nearly a hundred processes: on Bun, where one starts in a tenth of the time.
  const bun = runtimeWords('bun');
  const words = programWords('keeper', [root, '100'], bun);
  return startProgram('launch-and-be-killed', [root, String(step), keeper, ...words], [], bun).output;
}

/** What is true of a root in the end, after its launcher was killed at a step. */
async function outcomeAt(step: number, keeper: Where): Promise<string> {
  await using dir = await tempDir();
  const root = join(dir.path, 'jobs');
  mkdirSync(root);
  const output = await launchAt(root, step, keeper);
  await using jobs = openJobs(root, { keeper: 'here' });
  const all = jobs.list().jobs.map(({ view }) => view.job);
  // The next life of a program that keeps its jobs itself takes up what it finds.
  if (keeper === 'here') for (const job of all) jobs.adopt(job).catch(() => undefined);
  // Waiting is watching; looking at every process of the machine again and again would slow down what is waited for.
  for (const job of all) if (jobs.settle(job).status === 'running') await jobs.wait(job);
  const isRunning = (): boolean =>
    listProcesses().some(({ pid, zombie }) => !zombie && all.some(({ id }) => markOf(pid) === id));
  await eventually(`nothing runs any more, step ${step}`, () => !isRunning());
  const endings = all
    .map((job) => jobs.settle(job))
    .filter(({ status }) => status !== 'created' && status !== 'unknown');
  for (const { state } of endings) expect([step, state?.ending?.kind]).toEqual([step, 'timed_out']);
  if (endings.length > 0) {
    const told = `${dir.path}/told`;
    await eventually(
      `its sink was told, step ${step}`,
      () => existsSync(told) && readFileSync(told, 'utf8').endsWith('\n'),
    );
    expect(JSON.parse(readFileSync(told, 'utf8'))).toMatchObject({ ending: 'timed_out' });
  }
  expect([step, ...cutOffThatStays(root, jobs)]).toEqual([step]);
  return output || (endings.length > 0 ? 'ran' : 'nothing ran');
}

/** Directories without a state that a collection leaves, though everything in the root is old. */
function cutOffThatStays(root: string, jobs: Jobs): string[] {
  const cutOff = readdirSync(root)
    .filter((name) => name !== '.host' && !existsSync(join(root, name, 'state.json')))
    .map((name) => join(root, name));
  for (const path of cutOff.flatMap((job) => [join(job, 'meta.json'), job]).filter((at) => existsSync(at)))
    utimesSync(path, 0, 0);
  jobs.prune({ olderThanMs: 3_600_000 });
  return cutOff.filter((path) => existsSync(path));
}

it.each<Where>(['process', 'here'])(
  'a launcher that is killed at each of its steps (keeper: %s)',
  async (keeper) => {
    const outcomes: string[] = [];
    const together = 12;
    // As many steps as there are: the first launcher that comes to its end says how many.
    for (let step = 1; !outcomes.some((outcome) => /^\d+$/.test(outcome)); step += together) {
      expect(step, outcomes.join(' ')).toBeLessThan(200);
      outcomes.push(...(await Promise.all(Array.from({ length: together }, (_, n) => outcomeAt(step + n, keeper)))));
    }
    const steps = outcomes.findIndex((outcome) => /^\d+$/.test(outcome));
    expect(steps).toBeGreaterThan(10);
    expect(outcomes.slice(0, steps)).toContain('nothing ran');
    expect(outcomes.slice(0, steps)).toContain('ran');
  },
  900_000,
);

/** A state during whose writing something happens: between the opening of the new file and its renaming, however long that takes. */
const slow = (state: StateFile, meanwhile: () => void): StateFile => {
  const toJSON = (): StateFile => {
    meanwhile();
    return state;
  };
  return Object.assign({ ...state }, { toJSON });
};

it('a writer of a state that was taken for dead, because the machine is slow, is late and no fault', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const job = jobs.create({ command: ['true'], cwd: '/' });
  const known = readState(job) as StateFile;
  const takenForDead = slow(known, () => rmSync(`${pathOf(job, 'state')}.next`));
  expect(replaceState(job, takenForDead, known)).toBe('busy');
  expect(replaceState(job, known, known)).toBe('written');
  const deleted = slow(known, () => rmSync(job.path, { recursive: true }));
  expect(() => replaceState(job, deleted, known)).toThrow('ENOENT');
});

it('a launcher that writes its first state while another is about to write it from the record has the last word', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const job = jobs.create({ command: ['true'], cwd: '/' });
  const path = pathOf(job, 'state');
  const own = readState(job) as StateFile;
  rmSync(path);
  const fromRecord = { ...own, started_at_ms: 1 };
  const overtaken = slow(fromRecord, () => writeFirstState(job, own));
  expect(replaceState(job, overtaken, undefined)).toBe('kept');
  expect(readState(job)).toEqual(own);
  // Half of it is there: nobody else writes for a moment; a launcher that was killed over it is not waited for.
  writeFileSync(path, '{');
  expect(replaceState(job, fromRecord, undefined)).toBe('busy');
  utimesSync(path, 0, 0);
  expect(replaceState(job, fromRecord, undefined)).toBe('written');
  rmSync(path);
  expect(replaceState(job, fromRecord, undefined)).toBe('written');
  expect(readState(job)).toEqual(fromRecord);
  expect(readdirSync(job.path).filter((name) => name.endsWith('.next'))).toEqual([]);
});
