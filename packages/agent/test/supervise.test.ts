import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type OutboxLimits, openOutbox } from '@kanade/outbox';
import { eventually, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { createTurns } from '../src/intake/gates.ts';
import { createReport } from '../src/report/report.ts';
import type { Launcher } from '../src/run/launch.ts';
import type { OpenRun, Outcome, Run, RunEnd } from '../src/run/model.ts';
import { createRegistry, createSupervisor } from '../src/run/supervise.ts';
import type { JobStanding } from '../src/store/fleet-cache.ts';
import { openLedger } from '../src/store/ledger.ts';
import { openStateFile } from '../src/store/state-file.ts';
import { arrivalOf } from './arrival.ts';

function newRun(): Run {
  const requestId = randomUUID();
  const command = { id: 'job', version: '1', request_id: requestId, shell: 'sh', script: '', timeout_secs: 1 } as const;
  return { runId: randomUUID(), pcId: 'pc-1', requestId, execId: null, origin: 'fleet', owner: null, command };
}

const exited: Outcome = {
  kind: 'job',
  jobId: 'j',
  state: {
    job: { id: 'j', status: 'exited' },
    result: { exit_code: 0, signal: null, duration_ms: 1 },
    updated_at: '1970-01-01T00:00:03Z',
    finished_at: '1970-01-01T00:00:02Z',
    logs_drained: true,
    started_at_ms: 1,
    ending: { kind: 'exited', exitCode: 0 },
  },
  read: (stream) => ({ text: stream === 'stdout' ? 'x'.repeat(5_000) : '', range: [0, 0], totalBytes: 0 }),
};

interface Given {
  readonly launcher?: Partial<Launcher>;
  readonly limits?: Partial<OutboxLimits>;
  readonly heard?: Promise<void>;
}

/** A supervisor over a real ledger, with one place; what it launches is the test's. */
async function openSupervisor({ launcher, limits, heard = Promise.resolve() }: Given) {
  const dir = await tempDir();
  const file = openStateFile(join(dir.path, 'agent.db'));
  const outbox = openOutbox({ durable: file, ...(limits ? { limits } : {}) });
  const ledger = openLedger({ file, outbox });
  const registry = createRegistry({ noteStop: () => undefined, stopJob: () => undefined });
  const standing: { now: JobStanding } = { now: { brokerAgeMs: 0, approvedVersion: undefined, isRevoked: false } };
  const launched: string[] = [];
  const ends = new Map<string, RunEnd>();
  registry.watch((event) => {
    if (event.kind === 'ended') ends.set(event.live.run.runId, event.end);
  });
  const closing = new AbortController();
  const log = createLogger('silent', () => undefined);
  const report = createReport({ ledger, log, signal: closing.signal });
  const supervisor = createSupervisor({
    registry,
    report,
    after: async () => undefined,
    turns: createTurns(
      { about: () => standing.now, filters: () => [], settled: () => heard, watch: () => () => undefined },
      1,
      { again: () => undefined, hold: async () => ({ [Symbol.dispose]: () => undefined }) },
    ),
    launcher: {
      async launch({ run }) {
        launched.push(run.runId);
        return exited;
      },
      adopt: async () => 'never_started',
      cleanUp: () => undefined,
      ...launcher,
    },
    log,
    signal: closing.signal,
  });
  const admit = (): Run => {
    const run = newRun();
    ledger.admit(run, arrivalOf(run));
    return run;
  };
  return {
    supervisor,
    report,
    ledger,
    registry,
    outbox,
    launched,
    standing,
    admit,
    endOf: (run: Run) => eventually('the end of a run', () => ends.get(run.runId)),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the test ends'));
      await outbox[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

const asLaunching = (run: Run): OpenRun => ({
  run,
  state: 'launching',
  jobId: 'job',
  boot: 'boot',
  stoppedBy: undefined,
  received: undefined,
});
const asAdmitted = (run: Run): OpenRun => ({ ...asLaunching(run), state: 'admitted', jobId: undefined });

describe('createSupervisor()', () => {
  it('ends a run whose work throws, with the reason, and reports it', async () => {
    await using open = await openSupervisor({
      launcher: {
        launch: () => Promise.reject(new Error('no space left on device')),
      },
    });
    const run = open.admit();
    open.supervisor.begin(asAdmitted(run));
    expect(await open.endOf(run)).toMatchObject({
      ending: { kind: 'not_started', reason: 'not started: no space left on device' },
      exitCode: -1,
    });
    expect(open.registry.get(run.runId)).toBeUndefined();
    expect(open.ledger.open()).toEqual([]);
    expect((await open.outbox.count()).ready.records).toBe(1);
  });

  it('stops and calls lost what it cannot watch over', async () => {
    await using open = await openSupervisor({
      launcher: {
        launch(live) {
          const read = () => ({ text: '', range: [0, 0], totalBytes: 0 }) as const;
          open.registry.started(live, { job: { id: 'j', path: '/j' }, startedAtMs: 7, read });
          return Promise.reject(new Error('EIO'));
        },
      },
    });
    const run = open.admit();
    open.supervisor.begin(asAdmitted(run));
    expect(await open.endOf(run)).toMatchObject({ ending: { kind: 'lost', reason: 'EIO' }, exitCode: 121 });
  });

  it('puts a launch that never began through the gates again, once the broker was heard', async () => {
    const heard = Promise.withResolvers<void>();
    await using open = await openSupervisor({ heard: heard.promise });
    const run = open.admit();
    open.supervisor.resume([asLaunching(run)]);
    open.standing.now = { ...open.standing.now, isRevoked: true };
    heard.resolve();
    expect(await open.endOf(run)).toMatchObject({ ending: { kind: 'not_started' }, exitCode: 126 });
    expect(open.launched).toEqual([]);
  });

  it('lets a launch that never began wait for a place like any other', async () => {
    const first = Promise.withResolvers<Outcome>();
    const order: string[] = [];
    await using open = await openSupervisor({
      launcher: {
        launch({ run }) {
          order.push(run.runId);
          return order.length === 1 ? first.promise : Promise.resolve(exited);
        },
      },
    });
    const [blocker, cutOff] = [open.admit(), open.admit()];
    open.supervisor.begin(asAdmitted(blocker));
    await eventually('the first to run', () => order.length === 1);
    open.supervisor.resume([asLaunching(cutOff)]);
    await Promise.resolve();
    expect(order).toEqual([blocker.runId]);
    first.resolve(exited);
    await open.endOf(cutOff);
    expect(order).toEqual([blocker.runId, cutOff.runId]);
  });

  it('never starts what an earlier agent was asked to stop', async () => {
    await using open = await openSupervisor({});
    const run = open.admit();
    open.ledger.stopping(run.runId, 'operator');
    open.supervisor.resume(open.ledger.open());
    expect(await open.endOf(run)).toMatchObject({ ending: { kind: 'killed', by: 'operator' } });
    expect(open.launched).toEqual([]);
  });

  it('leaves the output out of a result for which the outbox has no room', async () => {
    await using open = await openSupervisor({ limits: { bytesMax: 2_000 } });
    const run = open.admit();
    open.supervisor.begin(asAdmitted(run));
    await open.endOf(run);
    const [record] = await open.outbox.list();
    expect(record?.bytes).toBeLessThan(2_000);
    expect(open.report.isBehind()).toBe(false);
  });

  it('keeps the place of a run that cannot be reported, so that those behind it do not start', async () => {
    await using open = await openSupervisor({ limits: { recordsMax: 1 } });
    const [first, second, third] = [open.admit(), open.admit(), open.admit()];
    for (const run of [first, second, third]) open.supervisor.begin(asAdmitted(run));
    await open.endOf(first);
    await eventually('the second to be over the budget', () => open.report.isBehind());
    expect(open.launched).toEqual([first.runId, second.runId]);
    expect(open.registry.all().map(({ run }) => run.runId)).toEqual([second.runId, third.runId]);
  });
});
