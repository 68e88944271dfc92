import type { JobDir, Jobs, JobView } from '@kanade/runner';
import { expect, it } from 'vitest';
import { createLogger } from '../config/logger.ts';
import { bootOf, createLauncher } from './launch.ts';
import { createRegistry } from './supervise.ts';

it('adopt() gives a launch back that began with nobody, before its directory goes: whoever is killed in between runs it', async () => {
  const steps: string[] = [];
  const job: JobDir = { id: 'j', path: '/nowhere/j' };
  const created = { job, status: 'created', state: undefined } as JobView;
  const jobs = {
    at: () => job,
    settle: () => created,
    wait: async () => created,
    delete: ({ id }: JobDir) => void steps.push(`delete ${id}`),
  } as unknown as Jobs;
  const launcher = createLauncher({
    jobs,
    ledger: {
      launching: () => undefined,
      launchingAgain: () => undefined,
      notLaunched: (runId) => void steps.push(`not launched ${runId}`),
    },
    onStarted: () => undefined,
    stopOf: () => undefined,
    stagingRoot: '/nowhere',
    textOf: ({ script }) => script,
    cwd: '/',
    env: {},
    log: createLogger('silent', () => undefined),
    signal: new AbortController().signal,
  });
  const command = { id: 'job', version: '1', request_id: 'r', shell: 'sh', script: '', timeout_secs: 1 } as const;
  const run = {
    runId: 'r',
    pcId: 'pc-1',
    requestId: 'r',
    execId: null,
    origin: 'fleet',
    owner: null,
    command,
  } as const;
  const live = createRegistry({ noteStop: () => undefined, stopJob: () => undefined }).add(run);
  const open = { run, state: 'launching', jobId: job.id, boot: bootOf(), received: undefined } as const;
  expect(await launcher.adopt(live, { ...open, stoppedBy: undefined }, () => undefined)).toBe('never_started');
  expect(steps).toEqual(['not launched r', 'delete j']);
});
