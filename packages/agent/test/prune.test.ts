import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openOutbox } from '@kanade/outbox';
import { openJobs } from '@kanade/runner';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { limits } from '../src/limits.ts';
import { endOf } from '../src/report/end-of.ts';
import { resultOf } from '../src/report/report.ts';
import { tagOf } from '../src/run/launch.ts';
import type { Run } from '../src/run/model.ts';
import { createJobBudget, pruneRuns, sweepJobs } from '../src/run/prune.ts';
import { openLedger } from '../src/store/ledger.ts';
import { openStateFile } from '../src/store/state-file.ts';
import { arrivalOf } from './arrival.ts';

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
  await pruneRuns({ ledger, jobs: store, log }, now);

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
  await createJobBudget({ ledger, jobs: stuck, log, bytesMax: 0 }).enforce();
  expect([...ledger.endedJobs()]).toHaveLength(3); // what cannot be removed stays known: else it would look like lost
  const budget = createJobBudget({ ledger, jobs: store, log, bytesMax: 1.5 * 1024 * 1024 });
  await budget.enforce();
  const left = () => runs.map(({ job }) => existsSync(job.path));
  expect(left()).toEqual([true, false, false, true]);
  await budget.enforce();
  expect(left()).toEqual([true, false, false, true]);
  expect(runs.map(({ run }) => ledger.admit(run, arrivalOf(run)).kind)).toEqual(runs.map(() => 'duplicate'));
  expect((await outbox.count()).ready.records).toBe(3);
  expect(sweepJobs({ ledger, jobs: store, log }, 4)).toEqual([]); // none looks like lost
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
