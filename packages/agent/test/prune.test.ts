import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openOutbox } from '@kanade/outbox';
import { openJobs } from '@kanade/runner';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { limits } from '../src/limits.ts';
import { endOf } from '../src/report/end-of.ts';
import { readHeldJobs } from '../src/report/held-jobs.ts';
import { resultOf } from '../src/report/report.ts';
import { tagOf } from '../src/run/launch.ts';
import type { HeldJobs, Run, Upload } from '../src/run/model.ts';
import { createJobBudget, pruneRuns, sweepJobs } from '../src/run/prune.ts';
import { openLedger } from '../src/store/ledger.ts';
import { openStateFile } from '../src/store/state-file.ts';
import { arrivalOf } from './arrival.ts';

const held = async (): Promise<HeldJobs> => ({ waitingRuns: new Set(), waiting: new Set(), kept: new Set() });
const onLost = (): void => undefined;

it('pruneRuns() forgets order, run and output of what ended long ago, and nothing else', async () => {
  await using dir = await tempDir();
  await using file = openStateFile(join(dir.path, 'agent.db'));
  await using outbox = openOutbox({ durable: file });
  const ledger = openLedger({ file, outbox });
  await using store = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
  const log = createLogger('silent', () => undefined);
  const runOf = (requestId: string): Run => ({
    runId: randomUUID(),
    pcId: 'pc-1',
    requestId,
    execId: null,
    origin: 'fleet',
    owner: null,
    command: { id: 'job', version: '1', request_id: requestId, shell: 'sh', script: '', timeout_secs: 1 },
  });
  const give = (run: Run) => ledger.admit(run, arrivalOf(run)).kind;

  const now = Date.now();
  const jobs = [now - limits.keepEndedMs - 1, now - limits.keepEndedMs + 60_000].map((endedAtMs, index) => {
    const run = runOf(`ended-${index}`);
    give(run);
    const job = store.create({ command: ['true'], cwd: '/' });
    ledger.launching(run.runId, job.id, 'boot');
    const end = endOf(run, { kind: 'refused', refusal: { gate: 'deadline', message: 'late' } }, endedAtMs);
    ledger.ended(run, end, { result: resultOf(run, end) });
    return job;
  });
  give(runOf('open'));
  await pruneRuns({ ledger, jobs: store, log, held }, now);

  expect(jobs.map(({ path }) => existsSync(path))).toEqual([false, true]);
  expect(give(runOf('ended-0'))).toBe('admitted'); // not known any more
  expect(give(runOf('ended-1'))).toBe('duplicate');
  expect(give(runOf('open'))).toBe('duplicate');
  expect((await outbox.count()).ready.records).toBe(2); // results are never forgotten here
});

it('createJobBudget() lets the output of the oldest ended runs go, never a running one, an order or a result', async () => {
  await using dir = await tempDir();
  await using file = openStateFile(join(dir.path, 'agent.db'));
  await using outbox = openOutbox({ durable: file });
  const ledger = openLedger({ file, outbox });
  await using store = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
  const log = createLogger('silent', () => undefined);
  const runs = [3, 1, 2, undefined].map((endedAtMs, index) => {
    const command = {
      id: 'job',
      version: '1',
      request_id: `r${index}`,
      shell: 'sh',
      script: '',
      timeout_secs: 1,
    } as const;
    const names = { pcId: 'pc-1', requestId: command.request_id, execId: null, origin: 'fleet', owner: null } as const;
    const run: Run = { runId: randomUUID(), ...names, command };
    ledger.admit(run, arrivalOf(run));
    const job = store.create({ command: ['true'], cwd: '/' });
    writeFileSync(join(job.path, 'stdout.log'), Buffer.alloc(1024 * 1024, 1));
    ledger.launching(run.runId, job.id, 'boot');
    const end = endOf(run, { kind: 'refused', refusal: { gate: 'deadline', message: 'late' } }, endedAtMs ?? 0);
    if (endedAtMs !== undefined) ledger.ended(run, end, { result: resultOf(run, end) });
    return { run, job };
  });
  const stuck = {
    ...store,
    delete: () => {
      throw new Error('EBUSY');
    },
  };
  const bounds = { ledger, log, held, onLost, waitingBytesMax: 3 * 1024 * 1024 };
  await createJobBudget({ ...bounds, jobs: stuck, bytesMax: 0 }).enforce();
  expect([...ledger.endedJobs()]).toHaveLength(3); // what cannot be removed stays known: else it would look like lost
  const budget = createJobBudget({ ...bounds, jobs: store, bytesMax: 1.5 * 1024 * 1024 });
  await budget.enforce();
  const left = () => runs.map(({ job }) => existsSync(job.path));
  expect(left()).toEqual([true, false, false, true]);
  await budget.enforce();
  expect(left()).toEqual([true, false, false, true]);
  expect(runs.map(({ run }) => ledger.admit(run, arrivalOf(run)).kind)).toEqual(runs.map(() => 'duplicate'));
  expect((await outbox.count()).ready.records).toBe(3);
  expect(sweepJobs({ ledger, jobs: store, log }, 4)).toEqual([]); // none looks like lost
});

describe('output that its result waits with for the broker', () => {
  const mebibyte = 1024 * 1024;

  async function openPlace() {
    const dir = await tempDir();
    const file = openStateFile(join(dir.path, 'agent.db'));
    const outbox = openOutbox({ durable: file });
    const ledger = openLedger({ file, outbox });
    const jobs = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
    const log = createLogger('silent', () => undefined);
    const lost: object[] = [];
    const common = { ledger, jobs, log, held: () => readHeldJobs(outbox, jobs.root) };
    return {
      ...common,
      outbox,
      lost,
      budget: (bytesMax: number, waitingBytesMax: number) =>
        createJobBudget({ ...common, onLost: (what) => void lost.push(what), bytesMax, waitingBytesMax }),
      /** A run that ended then, with so much output; a long one goes into a store. */
      async ended(name: string, endedAtMs: number, output: { bytes: number; isLong: boolean }) {
        const command = {
          id: 'job',
          version: '1',
          request_id: name,
          shell: 'sh',
          script: '',
          timeout_secs: 1,
        } as const;
        const names = { pcId: 'pc-1', requestId: name, execId: null, origin: 'fleet', owner: null } as const;
        const run: Run = { runId: name, ...names, command };
        ledger.admit(run, arrivalOf(run));
        const { job } = jobs.launch({ command: ['true'], cwd: '/', shellWrapper: [], fullLog: false });
        ledger.launching(run.runId, job.id, 'boot');
        await jobs.wait(job);
        writeFileSync(join(job.path, 'stdout.log'), Buffer.alloc(output.bytes, 'x'));
        const end = endOf(run, { kind: 'refused', refusal: { gate: 'deadline', message: 'late' } }, endedAtMs);
        const source = { kind: 'output', jobId: job.id, stream: 'stdout', bytes: output.bytes, notes: [] } as const;
        const upload: Upload = { store: 's', key: `${name}/stdout`, source };
        ledger.ended(run, end, { result: resultOf(run, end), uploads: output.isLong ? [upload] : [] });
        return job;
      },
      /** Delivers the results of some; with a receipt they are kept. */
      async deliver(...ids: string[]) {
        const deliver = async ({ id }: { id: string }) => {
          if (!ids.includes(id)) throw new Error('not now');
          return 'receipt';
        };
        await outbox.drain({ until: 'idle', deliver });
      },
      async [Symbol.asyncDispose]() {
        for (const part of [jobs, outbox, file, dir]) await part[Symbol.asyncDispose]();
      },
    };
  }
  const long = { bytes: mebibyte, isLong: true };

  it('goes last, after what was delivered; its loss is counted', async () => {
    await using place = await openPlace();
    const { ended, budget } = place;
    const [waits, second] = [await ended('waits', 1, long), await ended('second', 2, long)];
    const [kept, short, newest] = [
      await ended('kept', 3, long),
      await ended('short', 4, { ...long, isLong: false }),
      await ended('newest', 5, long),
    ];
    await place.deliver('kept');
    const left = () => [waits, second, kept, short, newest].map(({ path }) => existsSync(path));
    await budget(4.5 * mebibyte, 9 * mebibyte).enforce();
    expect(left()).toEqual([true, true, true, false, true]);
    await budget(3.5 * mebibyte, 9 * mebibyte).enforce();
    expect(left()).toEqual([true, true, false, false, true]);
    await budget(mebibyte, 9 * mebibyte).enforce();
    expect([left(), place.lost]).toEqual([[true, true, false, false, true], []]);
    await budget(mebibyte, 2.5 * mebibyte).enforce();
    expect(left()).toEqual([false, true, false, false, true]);
    expect(place.lost).toMatchObject([{ count: 1 }]);
  });

  it('is brought down to what a result shows before any of it goes', async () => {
    await using place = await openPlace();
    const job = await place.ended('giant', 1, { bytes: 100 * mebibyte, isLong: true });
    const other = await place.ended('other', 2, long);
    await place.budget(10 * mebibyte, 40 * mebibyte).enforce();
    expect([existsSync(job.path), existsSync(other.path), place.lost]).toEqual([true, true, []]);
    const { totalBytes } = place.jobs.readText(job, 'stdout', { from: 0, bytesMax: 0 });
    expect(totalBytes).toBe(100 * mebibyte);
    const third = Math.floor(limits.outputBytesMax / 3);
    for (const [from, bytes] of [
      [0, 2 * third],
      [totalBytes - third, third],
    ] as const) {
      expect(place.jobs.readText(job, 'stdout', { from, bytesMax: bytes }).text).toMatch(/^x+$/);
    }
  });

  it('is not forgotten with its run, however old that is', async () => {
    await using place = await openPlace();
    const jobs = [await place.ended('waits', 1, long), await place.ended('short', 1, { bytes: 10, isLong: false })];
    const kept = await place.ended('kept', 1, long);
    await place.deliver('kept');
    await pruneRuns(place, limits.keepEndedMs + 2);
    expect([...jobs, kept].map(({ path }) => existsSync(path))).toEqual([true, false, false]);
    expect(place.ledger.endedJobs()).toEqual([jobs[0]?.id]);
  });
});

it('sweepJobs() removes launches that never began and names those that the ledger has lost', async () => {
  await using dir = await tempDir();
  await using file = openStateFile(join(dir.path, 'agent.db'));
  await using outbox = openOutbox({ durable: file });
  const ledger = openLedger({ file, outbox });
  await using store = openJobs(join(dir.path, 'jobs'), { keeper: 'here' });
  const definition = { command: ['true'], cwd: '/', shellWrapper: [] };
  const cutOff = store.create({ ...definition, tags: [tagOf('cut-off')] });
  const lost = store.launch({ ...definition, tags: [tagOf('lost')] });
  await store.wait(lost.job);
  const sweep = (nowMs: number) =>
    sweepJobs({ ledger, jobs: store, log: createLogger('silent', () => undefined) }, nowMs);

  expect(sweep(Date.now())).toEqual([{ jobId: lost.job.id, runId: 'lost' }]);
  expect(existsSync(cutOff.path)).toBe(false);
  expect(existsSync(lost.job.path)).toBe(true);
  expect(sweep(Date.now() + limits.keepEndedMs + 5_000)).toEqual([]);
  expect(existsSync(lost.job.path)).toBe(false);
});

it('orders that wait have a budget of bytes, and one whose run has ended keeps its name alone', async () => {
  await using dir = await tempDir();
  const path = join(dir.path, 'agent.db');
  const openBytesMax = 100_000;
  const orderOf = (requestId: string, bytes: number) => {
    const script = 'x'.repeat(bytes);
    const command = { id: 'job', version: '1', request_id: requestId, shell: 'sh', script, timeout_secs: 1 } as const;
    const run: Run = { runId: requestId, pcId: 'pc-1', requestId, execId: null, origin: 'fleet', owner: null, command };
    return { run, arrival: arrivalOf(run, { fingerprint: requestId }) };
  };
  const [long, next] = [orderOf('long', 60_000), orderOf('next', 60_000)];
  {
    await using file = openStateFile(path);
    await using outbox = openOutbox({ durable: file });
    const ledger = openLedger({ file, outbox, openBytesMax });
    const give = ({ run, arrival }: typeof long) => ledger.admit(run, arrival).kind;
    expect([give(long), give(next), give(orderOf('short', 1_000))]).toEqual(['admitted', 'full', 'admitted']);
    expect(ledger.receivedOf('long')?.delivery.bytes.length).toBe(long.arrival.bytes.length);
    const end = endOf(long.run, { kind: 'refused', refusal: { gate: 'deadline', message: 'late' } }, Date.now());
    ledger.ended(long.run, end, { result: resultOf(long.run, end) });
    expect(ledger.receivedOf('long')?.delivery.bytes.length).toBe(0);
    expect([give(next), give(orderOf('more', 60_000))]).toEqual(['admitted', 'full']);
  }
  // What is left of it is intact: delivered again it is known, under its name nothing else is run.
  const salvaged: string[] = [];
  await using file = openStateFile(path, ({ type }) => void salvaged.push(type));
  await using outbox = openOutbox({ durable: file });
  const ledger = openLedger({ file, outbox, openBytesMax });
  expect(ledger.admit(long.run, long.arrival).kind).toBe('duplicate');
  expect(ledger.admit(long.run, { ...long.arrival, fingerprint: 'other' }).kind).toBe('conflict');
  expect(ledger.open().map(({ run }) => run.command.script.length)).toEqual([1_000, 60_000]);
  expect(salvaged).toEqual([]);
});
