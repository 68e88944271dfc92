/** Retries and finalizers in the life of a run: the real supervisor, gates and ledger; what is launched is the test's. */
import type { Command } from '@kanade/shared/fleet';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import type { LiveRun, Outcome, Run } from '../src/run/model.ts';
import { asAdmitted, endedAs, exited, openSupervisor } from './supervisor.ts';

const failed = endedAs({ kind: 'exited', exitCode: 7 });
const refused: Outcome = { kind: 'refused', refusal: { gate: 'no_exit_code', message: 'not started: no room' } };
const retry = { max: 2, backoff_secs: 0 };
const hour = { max: 2, backoff_secs: 3600 };
const finalize = { shell: 'sh', script: 'true', timeout_secs: 1 } as const;

/** A launcher whose attempts become what is listed, one after the other. */
function launching(outcomes: readonly (Outcome | ((live: LiveRun) => Outcome | Promise<Outcome>))[]) {
  const attempts: number[] = [];
  return {
    attempts,
    drop: () => undefined,
    async launch(live: LiveRun, attempt = 0): Promise<Outcome> {
      attempts.push(attempt);
      const next = outcomes[attempts.length - 1] ?? exited;
      const outcome = typeof next === 'function' ? await next(live) : next;
      return outcome.kind === 'job' ? { ...outcome, startedAtMs: Date.now() } : outcome;
    },
  };
}

describe('a run that is tried again', () => {
  it.each<[string, (Outcome | ((live: LiveRun) => Outcome))[], Partial<Command>, number[], number, string]>([
    ['succeeds', [failed, exited], { retry }, [0, 1], 0, 'succeeded after 1 retries'],
    ['fails often enough', [failed, failed, failed], { retry }, [0, 1, 2], 7, 'failed after 2 retries exhausted'],
    ['was too late', [endedAs({ kind: 'timed_out' }), exited], { retry }, [0, 1], 0, 'succeeded after 1 retries'],
    ['died by a signal', [endedAs({ kind: 'signaled', signal: 9 })], { retry }, [0, 1], 0, 'succeeded after 1 retries'],
    ['succeeds at once', [exited], { retry }, [0], 0, ''],
    [
      'never started',
      [endedAs({ kind: 'not_started', reason: 'no shell' })],
      { retry },
      [0],
      -1,
      'not started: no shell',
    ],
    [
      'was lost',
      [endedAs({ kind: 'lost', reason: 'reboot' })],
      { retry },
      [0],
      121,
      'agent restarted during execution; outcome unknown: reboot',
    ],
    [
      'was lost the second time',
      [failed, endedAs({ kind: 'lost', reason: 'reboot' })],
      { retry },
      [0, 1],
      121,
      'ended after 1 retries\nagent restarted during execution; outcome unknown: reboot',
    ],
    [
      'cannot be started again',
      [failed, refused],
      { retry },
      [0, 1],
      7,
      'failed after 0 retries; not tried again: not started: no room',
    ],
    [
      'dies at its start',
      [failed, endedAs({ kind: 'not_started', reason: 'no shell' })],
      { retry },
      [0, 1],
      7,
      'failed after 0 retries; not tried again: not started: no shell',
    ],
  ])('%s', async (_, outcomes, order, attempts, exitCode, note) => {
    const launcher = launching(outcomes);
    await using open = await openSupervisor({ launcher });
    const run = open.admit(order);
    open.supervisor.begin(asAdmitted(run));
    const end = await open.endOf(run);
    expect({ exitCode: end.exitCode, notes: end.notes.join('\n'), attempts: launcher.attempts }).toEqual({
      exitCode,
      notes: note,
      attempts,
    });
    expect((await open.outbox.count()).ready.records).toBe(1);
  });

  it('is not once its deadline has passed, in the middle of the pause, and keeps what it had', async () => {
    const deadline: { deadline_at?: string } = {};
    const pass = (): Outcome => {
      deadline.deadline_at = '2020-01-01T00:00:00Z';
      return failed;
    };
    await using open = await openSupervisor({ launcher: launching([pass]) });
    const run = open.admit({ retry: hour });
    // The deadline is reached while it runs.
    const command = Object.defineProperty({ ...run.command }, 'deadline_at', { get: () => deadline.deadline_at });
    open.supervisor.begin(asAdmitted({ ...run, command }));
    const end = await open.endOf(run);
    expect(end).toMatchObject({ ending: { kind: 'exited', exitCode: 7 }, skipped: false });
    expect(end.notes[0]).toMatch(/^failed after 0 retries; not tried again: skipped: starting deadline expired /);
  });

  it('is not when its job was revoked while it ran, and waits for no pause', async () => {
    const revoke = (): Outcome => {
      open.standing.now = { ...open.standing.now, isRevoked: true };
      return failed;
    };
    await using open = await openSupervisor({ launcher: launching([revoke]) });
    const run = open.admit({ retry });
    open.supervisor.begin(asAdmitted(run));
    expect(await open.endOf(run)).toMatchObject({
      exitCode: 7,
      notes: ['failed after 0 retries; not tried again: skipped: job is revoked'],
    });
  });

  it('is stopped in the pause, and counts as killed', async () => {
    await using open = await openSupervisor({ launcher: launching([failed]) });
    const run = open.admit({ retry: hour, exec_id: 'e' });
    open.supervisor.begin(asAdmitted(run));
    await eventually('the pause', () => open.pauses() === 1);
    expect(open.registry.stop({ execId: 'e' }, 'operator')).toBe(1);
    expect(await open.endOf(run)).toMatchObject({
      ending: { kind: 'killed', by: 'operator' },
      status: 'killed',
      exitCode: -1,
      notes: ['stopped by remote kill after 0 retries', 'killed by remote signal (kill.e)'],
    });
  });

  it('is stopped while an attempt runs: the next never begins', async () => {
    const stop = (live: LiveRun): Outcome => {
      open.registry.stop({ runId: live.run.runId }, 'user');
      return endedAs({ kind: 'killed', by: 'user' });
    };
    const launcher = launching([failed, stop]);
    await using open = await openSupervisor({ launcher });
    const run = open.admit({ retry });
    open.supervisor.begin(asAdmitted(run));
    expect((await open.endOf(run)).notes).toEqual(['stopped by user after 1 retries', 'killed by user']);
    expect(launcher.attempts).toEqual([0, 1]);
  });

  it('keeps its place through all of its attempts', async () => {
    const order: string[] = [];
    const noting = (live: LiveRun): Outcome => {
      order.push(live.run.runId);
      return failed;
    };
    await using open = await openSupervisor({ launcher: launching([noting, noting, noting, noting]) });
    const [first, second] = [open.admit({ retry }), open.admit()];
    for (const run of [first, second]) open.supervisor.begin(asAdmitted(run));
    await open.endOf(second);
    expect(order).toEqual([first.runId, first.runId, first.runId, second.runId]);
  });

  it('goes on from the attempt that an earlier agent left', async () => {
    const launcher = launching([failed]);
    const adopt = async (): Promise<Outcome> => ({ ...failed, retried: { count: 1 } });
    await using open = await openSupervisor({ launcher: { ...launcher, adopt } });
    const run = open.admit({ retry });
    open.supervisor.resume([{ ...asAdmitted(run), state: 'running', jobId: 'j', retries: 1 }]);
    expect((await open.endOf(run)).notes).toEqual(['failed after 2 retries exhausted']);
    expect(launcher.attempts).toEqual([2]);
  });
});

describe('the attempts of a run in the ledger', () => {
  it('are counted with their directories, and taken back when nothing was started', async () => {
    await using open = await openSupervisor({});
    const { ledger } = open;
    const run = open.admit({ retry });
    const seen = () => {
      const [found] = ledger.open();
      return [found?.state, found?.retries, found?.jobId, found?.earlierJobId, [...ledger.jobIds()].sort()];
    };
    ledger.launching(run.runId, 'a', 'boot');
    expect(seen()).toEqual(['launching', 0, 'a', undefined, ['a']]);
    ledger.running(run.runId, 5, undefined);
    ledger.launchingAgain(run.runId, 'b', 'boot');
    expect(seen()).toEqual(['running', 1, 'b', 'a', ['a', 'b']]);
    ledger.notLaunched(run.runId);
    expect(seen()).toEqual(['running', 0, 'a', undefined, ['a']]);
    expect(ledger.open()[0]?.startedAtMs).toBe(5);
    ledger.launchingAgain(run.runId, 'c', 'boot');
    ledger.launchingAgain(run.runId, 'd', 'boot');
    expect(seen()).toEqual(['running', 2, 'd', 'c', ['c', 'd']]);
    await open.report.end(run, failed);
    expect([...ledger.endedJobs()].sort()).toEqual(['c', 'd']);
    ledger.dropJob('c');
    expect([...ledger.endedJobs()]).toEqual(['d']);
    expect(ledger.forget(Date.now() + 1, 10)).toEqual([{ runId: run.runId, jobIds: ['d'] }]);
  });
});

describe('what comes behind a run that succeeded', () => {
  /** The finalizers of a run that have ended, in the order in which they did. */
  const behind = (open: Awaited<ReturnType<typeof openSupervisor>>, run: Run, count: number) =>
    eventually('the finalizers', () => {
      const found = [...open.runs.values()].filter(({ parentId }) => parentId === run.runId);
      return found.length === count && found.every(({ runId }) => open.ends.has(runId)) ? found : undefined;
    });

  it('is a run of its own in the same place, and changes nothing', async () => {
    const order: string[] = [];
    const note = (outcome: Outcome) => (live: LiveRun) => {
      order.push(live.run.command.id);
      return outcome;
    };
    await using open = await openSupervisor({ launcher: launching([note(exited), note(failed), note(exited)]) });
    const [run, other] = [open.admit({ finalize, exec_id: 'e' }), open.admit({ id: 'other' })];
    for (const each of [run, other]) open.supervisor.begin(asAdmitted(each));
    await open.endOf(other);
    expect(order).toEqual(['job', 'job__finalize', 'other']);
    const [finalizer] = await behind(open, run, 1);
    expect(finalizer).toMatchObject({ requestId: run.requestId, execId: 'e', origin: 'fleet', owner: null });
    expect(open.ends.get(finalizer?.runId ?? '')?.exitCode).toBe(7);
    expect((await open.endOf(run)).exitCode).toBe(0);
    const results = open.results();
    expect(results.map(({ manifest_id, parent_result_id }) => [manifest_id, parent_result_id])).toEqual([
      ['job', undefined],
      ['job__finalize', run.runId],
      ['other', undefined],
    ]);
  });

  it.each<[string, Outcome | 'stopped', Partial<Command>]>([
    ['it failed', failed, {}],
    ['it was lost', endedAs({ kind: 'lost', reason: 'reboot' }), {}],
    ['it could not be started', refused, {}],
    ['somebody stopped it just as it ended', 'stopped', {}],
    ['it is for each bundle, and there is none', exited, { finalize: { ...finalize, on_each_bundle: true } }],
  ])('does not when %s', async (_, outcome, more) => {
    const launch = ({ run: { runId } }: LiveRun): Outcome => {
      if (outcome !== 'stopped') return outcome;
      open.registry.stop({ runId }, 'operator');
      return exited;
    };
    await using open = await openSupervisor({ launcher: launching([launch]) });
    const run = open.admit({ finalize, ...more });
    open.supervisor.begin(asAdmitted(run));
    await open.endOf(run);
    expect(open.ledger.open()).toEqual([]);
    expect(open.results()).toHaveLength(1);
  });

  it('is one for each bundle where it says so, and a kill ends those that wait', async () => {
    const bundles = ['a', 'b', 'c'].map((key) => ({ key, uploaded: true, files: [] }));
    const stop = (live: LiveRun): Outcome => {
      open.registry.stop({ execId: 'e' }, 'operator');
      return endedAs({ kind: 'killed', by: live.stoppedBy ?? 'user' });
    };
    await using open = await openSupervisor({
      launcher: launching([exited, exited, stop]),
      after: async (live) => (live.run.parentId === undefined ? { notes: [], bundles } : undefined),
    });
    const run = open.admit({ finalize: { ...finalize, on_each_bundle: true }, exec_id: 'e' });
    open.supervisor.begin(asAdmitted(run));
    const found = await behind(open, run, 3);
    expect(found.map(({ runId }) => open.ends.get(runId)?.ending.kind)).toEqual(['exited', 'killed', 'killed']);
    expect(open.launched).toHaveLength(0);
  });

  it('is there for the next agent when this one dies at that moment, and no gate judges it again', async () => {
    await using open = await openSupervisor({});
    const run = open.admit({ finalize });
    const finalizer: Run = {
      ...run,
      runId: 'f',
      parentId: run.runId,
      env: { A: 'b' },
      command: { ...run.command, id: 'job__finalize' },
    };
    await open.report.end(run, exited, { next: [finalizer] });
    const [found, ...others] = open.ledger.open();
    expect(others).toEqual([]);
    expect(found).toMatchObject({ run: finalizer, state: 'admitted', jobId: undefined });
    open.standing.now = { ...open.standing.now, isRevoked: true };
    open.supervisor.resume(found ? [found] : []);
    expect((await open.endOf(finalizer)).exitCode).toBe(0);
    expect(open.ledger.open()).toEqual([]);
  });
});
