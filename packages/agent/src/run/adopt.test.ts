import type { JobDir, JobView } from '@kanade/runner';
import type { Ending } from '@kanade/shared/job-words';
import { describe, expect, it } from 'vitest';
import { type AdoptPorts, adopt } from './adopt.ts';
import type { JobOutcome, OpenRun } from './model.ts';

const command = { id: 'job', version: '1', request_id: 'r', shell: 'sh', script: '', timeout_secs: 1 } as const;
const run = { runId: 'r', pcId: 'pc-1', requestId: 'r', execId: null, origin: 'fleet', owner: null, command } as const;
const base: OpenRun = { run, state: 'running', jobId: 'new', boot: 'b', stoppedBy: undefined, received: undefined };
const retried: OpenRun = { ...base, retries: 2, earlierJobId: 'old' };
const exited: Ending = { kind: 'exited', exitCode: 7 };

const viewOf = (id: string, status: string, ending?: Ending) =>
  ({ job: { id, path: `/${id}` }, status, state: ending && { ending } }) as unknown as JobView;

/** What becomes of a run whose newest job stands so, and what is done to its directories on the way. */
async function adopted(open: OpenRun, newest: JobView, boot = 'b') {
  const steps: string[] = [];
  const outcomeOf = ({ job, state }: JobView) => ({ kind: 'job', jobId: job.id, state }) as unknown as JobOutcome;
  const ports: AdoptPorts = {
    jobs: {
      at: (id) => ({ id, path: `/${id}` }),
      settle: ({ id }: JobDir) => (id === 'new' ? newest : viewOf(id, 'exited', exited)),
      wait: async () => newest,
      delete(job) {
        steps.push(`delete ${job.id}`);
        return {} as ReturnType<AdoptPorts['jobs']['delete']>;
      },
    },
    ledger: { notLaunched: () => void steps.push('not launched') },
    boot,
    follow: async ({ attempt }) => {
      steps.push(`follow attempt ${attempt}`);
      return outcomeOf(viewOf('new', 'exited', exited));
    },
    outcomeOf,
    onFound: () => void steps.push('found'),
    drop: (id) => void steps.push(`drop ${id}`),
    signal: new AbortController().signal,
  };
  const outcome = await adopt(open, ports);
  if (outcome === 'never_started' || outcome.kind !== 'job') return { outcome, steps };
  const { jobId, state, retried: told } = outcome;
  return { outcome: { jobId, ending: state?.ending, retried: told }, steps };
}

describe('adopt()', () => {
  it.each<[string, OpenRun, JobView, object | string, string[]]>([
    [
      'a first attempt that runs',
      base,
      viewOf('new', 'running'),
      { jobId: 'new', ending: exited, retried: undefined },
      ['found', 'follow attempt 0'],
    ],
    [
      'one that has ended',
      base,
      viewOf('new', 'exited', exited),
      { jobId: 'new', ending: exited, retried: undefined },
      ['found'],
    ],
    ['one that never began', base, viewOf('new', 'created'), 'never_started', ['not launched', 'delete new']],
    [
      'a retry that runs',
      retried,
      viewOf('new', 'running'),
      { jobId: 'new', retried: { count: 2 } },
      ['found', 'drop old', 'follow attempt 2'],
    ],
    [
      'a retry that has ended',
      retried,
      viewOf('new', 'exited', exited),
      { jobId: 'new', retried: { count: 2 } },
      ['found', 'drop old'],
    ],
    [
      'a retry that never began: the one before counts',
      retried,
      viewOf('new', 'created'),
      { jobId: 'old', ending: exited, retried: { count: 1 } },
      ['not launched', 'delete new', 'found'],
    ],
    [
      'a retry that could not be started: the one before counts, for good',
      retried,
      viewOf('new', 'failed', { kind: 'not_started', reason: 'no room' }),
      { jobId: 'old', ending: exited, retried: { count: 1, refusal: { message: 'not started: no room' } } },
      ['found'],
    ],
  ])('%s', async (_, open, newest, outcome, steps) => {
    const found = await adopted(open, newest);
    if (typeof outcome === 'string') expect(found.outcome).toBe(outcome);
    else expect(found.outcome).toMatchObject(outcome);
    expect(found.steps).toEqual(steps);
  });

  it('does not know what became of a launch before the machine was started, and runs nothing again', async () => {
    const { outcome, steps } = await adopted(retried, viewOf('new', 'created'), 'another boot');
    expect(outcome).toEqual({ jobId: 'new', ending: undefined, retried: undefined });
    expect(steps).toEqual([]);
  });
});
