import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type OutboxLimits, openOutbox } from '@kanade/outbox';
import type { Command } from '@kanade/shared/fleet';
import type { Ending } from '@kanade/shared/job-words';
import { eventually, tempDir } from '@kanade/testkit';
import { createLogger } from '../src/config/logger.ts';
import { createTurns } from '../src/intake/turns.ts';
import { createReport } from '../src/report/report.ts';
import type { Launcher } from '../src/run/launch.ts';
import type { JobOutcome, OpenRun, Run, RunEnd } from '../src/run/model.ts';
import { createRegistry, createSupervisor, type SupervisorOptions } from '../src/run/supervise.ts';
import type { JobStanding } from '../src/store/fleet-cache.ts';
import { openLedger } from '../src/store/ledger.ts';
import { openStateFile } from '../src/store/state-file.ts';
import { arrivalOf } from './arrival.ts';
import { queuedResults } from './records.ts';

function newRun(more: Partial<Command> = {}): Run {
  const requestId = randomUUID();
  const basis = { id: 'job', version: '1', request_id: requestId, shell: 'sh', script: '', timeout_secs: 1 } as const;
  const command = { ...basis, ...more };
  const execId = command.exec_id ?? null;
  return { runId: randomUUID(), pcId: 'pc-1', requestId, execId, origin: 'fleet', owner: null, command };
}

/** What a job leaves that ended so. */
export const endedAs = (ending: Ending): JobOutcome => ({
  kind: 'job',
  jobId: 'j',
  state: {
    job: { id: 'j', status: 'exited' },
    result: { exit_code: 0, signal: null, duration_ms: 1 },
    updated_at: '1970-01-01T00:00:03Z',
    finished_at: '1970-01-01T00:00:02Z',
    logs_drained: true,
    started_at_ms: 1,
    ending,
  },
  read: (stream) => ({ text: stream === 'stdout' ? 'x'.repeat(5_000) : '', range: [0, 0], totalBytes: 0 }),
});

export const exited = endedAs({ kind: 'exited', exitCode: 0 });

interface Given {
  readonly launcher?: Partial<Launcher>;
  readonly after?: SupervisorOptions['after'];
  readonly limits?: Partial<OutboxLimits>;
  readonly heard?: Promise<void>;
}

/** A supervisor over a real ledger, with one place; what it launches is the test's. */
export async function openSupervisor({
  launcher,
  limits,
  after = async () => undefined,
  heard = Promise.resolve(),
}: Given) {
  const dir = await tempDir();
  const file = openStateFile(join(dir.path, 'agent.db'));
  const outbox = openOutbox({ durable: file, ...(limits ? { limits } : {}) });
  const ledger = openLedger({ file, outbox });
  const registry = createRegistry({ noteStop: () => undefined, stopJob: () => undefined });
  const standing: { now: JobStanding } = { now: { brokerAgeMs: 0, approvedVersion: undefined, isRevoked: false } };
  const launched: string[] = [];
  const ends = new Map<string, RunEnd>();
  const runs = new Map<string, Run>();
  registry.watch((event) => {
    runs.set(event.live.run.runId, event.live.run);
    if (event.kind === 'ended') ends.set(event.live.run.runId, event.end);
  });
  const closing = new AbortController();
  const log = createLogger('silent', () => undefined);
  const report = createReport({ ledger, log, signal: closing.signal });
  let pausing = 0;
  const turns = createTurns(
    { about: () => standing.now, filters: () => [], settled: () => heard, watch: () => () => undefined },
    1,
    { again: () => undefined, hold: async () => ({ [Symbol.dispose]: () => undefined }) },
  );
  const supervisor = createSupervisor({
    registry,
    report,
    after,
    turns: {
      ...turns,
      async again(run, given) {
        pausing++;
        try {
          return await turns.again(run, given);
        } finally {
          pausing--;
        }
      },
    },
    launcher: {
      async launch({ run }) {
        launched.push(run.runId);
        return exited;
      },
      adopt: async () => 'never_started',
      drop: () => undefined,
      cleanUp: () => undefined,
      ...launcher,
    },
    log,
    signal: closing.signal,
  });
  const admit = (more: Partial<Command> = {}): Run => {
    const run = newRun(more);
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
    /** All that were seen, and how those ended that have. */
    runs,
    ends,
    /** How many wait to be tried again. */
    pauses: () => pausing,
    /** What is on its way to the fleet, in order. */
    results: () => queuedResults(dir.path),
    endOf: (run: Run) => eventually('the end of a run', () => ends.get(run.runId)),
    async [Symbol.asyncDispose]() {
      closing.abort(new Error('the test ends'));
      await outbox[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

export const asLaunching = (run: Run): OpenRun => ({
  run,
  state: 'launching',
  jobId: 'job',
  boot: 'boot',
  stoppedBy: undefined,
  received: undefined,
});
export const asAdmitted = (run: Run): OpenRun => ({ ...asLaunching(run), state: 'admitted', jobId: undefined });
