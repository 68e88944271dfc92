import type { StateFile } from '@kanade/runner';
import type { Ending } from '@kanade/shared/job-words';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { ReadOutput, Run } from '../run/model.ts';
import { endOf, withNotes } from './end-of.ts';
import { createReport, resultOf, startedOf } from './report.ts';

/** The wait before an end is tried again, which the clock of a test does not turn. */
vi.mock('node:timers/promises', () => ({ setTimeout: () => Promise.resolve() }));

const run: Run = {
  runId: 'run-1',
  pcId: 'pc-1',
  requestId: 'r1',
  execId: 'e1',
  origin: 'fleet',
  owner: null,
  command: { id: 'job', version: '1', request_id: 'r1', shell: 'sh', script: '', timeout_secs: 0 },
};
const read: ReadOutput = (stream) => ({ text: stream === 'stdout' ? 'out' : 'err', range: [0, 3], totalBytes: 3 });
const nowMs = 5_000;

function stateWith(ending: Ending): StateFile {
  return {
    job: { id: 'j', status: 'exited' },
    result: { exit_code: null, signal: null, duration_ms: 1_500 },
    updated_at: '1970-01-01T00:00:03Z',
    finished_at: '1970-01-01T00:00:02Z',
    logs_drained: true,
    started_at_ms: 1_000,
    ending,
  };
}

describe('endOf() a job', () => {
  it.each<[Ending, string, number, string | undefined]>([
    [{ kind: 'exited', exitCode: 0 }, 'completed', 0, undefined],
    [{ kind: 'exited', exitCode: 127 }, 'failed', 127, undefined],
    [{ kind: 'signaled', signal: 9 }, 'failed', -1, '[agent: ended by signal 9]'],
    [{ kind: 'timed_out', exitCode: 0 }, 'failed', -1, 'timeout after 1s'],
    [{ kind: 'killed', by: 'operator' }, 'killed', -1, 'killed by remote signal (kill.e1)'],
    [{ kind: 'killed', by: 'user', exitCode: 0 }, 'killed', -1, 'killed by user'],
    [{ kind: 'not_started', reason: 'no directory' }, 'failed', -1, 'not started: no directory'],
    [
      { kind: 'lost', reason: 'the machine was restarted' },
      'failed',
      121,
      'agent restarted during execution; outcome unknown: the machine was restarted',
    ],
  ])('%j', (ending, status, exitCode, note) => {
    const end = endOf(run, { kind: 'job', jobId: 'j', state: stateWith(ending), read }, nowMs);
    expect([end.note, end.notes]).toEqual([note, note === undefined ? [] : [note]]);
    expect(end).toMatchObject({
      ending,
      status,
      exitCode,
      skipped: false,
      jobId: 'j',
      stdout: { text: 'out', isWhole: true, bytes: 3 },
      stderr: { text: 'err', isWhole: true, bytes: 3 },
      startedAtMs: 1_000,
      endedAtMs: 2_500,
    });
  });

  it.each<[Ending, string[]]>([
    [
      { kind: 'exited', exitCode: 0 },
      ['[agent: output capture ended early: a process that the script left running may still print]'],
    ],
    [{ kind: 'killed', by: 'operator' }, ['killed by remote signal (kill.e1)']],
  ])('%j, and somebody holds what it prints to', (ending, notes) => {
    const state = { ...stateWith(ending), logs_held: true };
    expect(endOf(run, { kind: 'job', jobId: 'j', state, read }, nowMs).notes).toEqual(notes);
  });

  it('tells the ending although what was printed cannot be read, and says so', () => {
    const damaged: ReadOutput = (stream, ...more) => {
      if (stream === 'stderr') return read(stream, ...more);
      throw new Error('EIO: i/o error, read');
    };
    const end = endOf(
      run,
      { kind: 'job', jobId: 'j', state: stateWith({ kind: 'exited', exitCode: 0 }), read: damaged },
      nowMs,
    );
    const stdout = '[kanade] stdout cannot be read: EIO: i/o error, read\n';
    expect(end).toMatchObject({ exitCode: 0, stdout: { text: stdout }, stderr: { text: 'err' } });
  });

  it('calls a job without a record lost, never completed', () => {
    expect(endOf(run, { kind: 'job', jobId: 'j', state: undefined, read }, nowMs)).toMatchObject({
      ending: { kind: 'lost' },
      exitCode: 121,
      skipped: false,
      endedAtMs: 5_000,
    });
  });
});

describe('endOf() a refusal', () => {
  it.each([
    ['staleness', 127, true],
    ['revoked', 126, true],
    ['deadline', 125, true],
    ['version_pin', 124, true],
    ['unsupported', 122, true],
    ['no_exit_code', -1, false],
  ] as const)('%s is exit %i with skipped %s', (gate, exitCode, skipped) => {
    const end = endOf(run, { kind: 'refused', refusal: { gate, message: 'why' } }, 7);
    expect(end).toMatchObject({
      ending: { kind: 'not_started', reason: 'why' },
      status: 'failed',
      exitCode,
      skipped,
    });
    expect(resultOf(run, end).stderr).toBe('why\n');
  });
});

describe('resultOf()', () => {
  it('carries skipped whatever it is, and the ending', () => {
    const result = resultOf(run, endOf(run, { kind: 'stopped', by: 'operator' }, 0));
    expect(result).toEqual({
      result_id: 'run-1',
      request_id: 'r1',
      exec_id: 'e1',
      pc_id: 'pc-1',
      exit_code: -1,
      skipped: false,
      stdout: '',
      stderr: 'killed by remote signal (kill.e1) before it was started\n',
      started_at: '1970-01-01T00:00:00.000Z',
      finished_at: '1970-01-01T00:00:00.000Z',
      manifest_id: 'job',
      ending: 'killed',
    });
  });

  it('has no exec_id for a run that a person began; that it has begun is told under its own id, with whose it is', () => {
    const own = { ...run, execId: null, owner: 'uid-1000' };
    expect(resultOf(own, endOf(own, { kind: 'stopped', by: 'user' }, 0))).not.toHaveProperty('exec_id');
    expect(startedOf(own, 0)).toMatchObject({ exec_id: run.runId, result_id: run.runId, user_sid: 'uid-1000' });
    expect(startedOf({ ...own, parentId: 'run-0' }, 0)).toBeUndefined();
    expect(startedOf(run, 0)).not.toHaveProperty('user_sid');
  });

  it('marks notes on the runs of people, for operators and not for the people', () => {
    const own: Run = { ...run, origin: 'local', execId: null };
    const killed = endOf(
      own,
      { kind: 'job', jobId: 'j', state: stateWith({ kind: 'killed', by: 'user' }), read },
      nowMs,
    );
    expect(withNotes(killed.stderr.text, killed.notes)).toBe('err\nkilled by user\n');
    expect(resultOf(own, killed).stderr).toBe('err\n[KLP] killed by user\n');
    const fault = endOf(own, { kind: 'fault', error: new Error('EIO'), startedAtMs: undefined }, 0);
    expect(resultOf(own, fault).stderr).toBe('[KLP] not started: EIO\n');
    const printed: ReadOutput = () => ({ text: 'x\n', range: [0, 2], totalBytes: 2 });
    const fine = endOf(
      own,
      { kind: 'job', jobId: 'j', state: stateWith({ kind: 'exited', exitCode: 1 }), read: printed },
      nowMs,
    );
    expect(resultOf(own, fine).stderr).toBe('x\n');
  });

  it('says that a time-out was too long to count', () => {
    const long = { ...run, command: { ...run.command, timeout_secs: Number.MAX_SAFE_INTEGER } };
    const end = endOf(
      long,
      { kind: 'job', jobId: 'j', state: stateWith({ kind: 'exited', exitCode: 0 }), read },
      nowMs,
    );
    expect(resultOf(long, end).stderr).toBe(
      'err\n[kanade] timeout_secs is above 9007199254740991 and counts as that\n',
    );
  });
});

describe('createReport()', () => {
  afterEach(() => void vi.useRealTimers());

  function start() {
    vi.useFakeTimers();
    const steps: string[] = [];
    const closing = new AbortController();
    const report = createReport({
      ledger: {
        running: (runId, _, event) => void steps.push(`running ${runId} ${event?.exec_id}`),
        ended: (_run, { exitCode }, { started }) => void steps.push(`ended ${exitCode} ${started?.started_at}`),
        refuse: () => ({ kind: 'full' }),
      },
      log: createLogger('silent', () => undefined),
      signal: closing.signal,
    });
    const outcome = {
      kind: 'job',
      jobId: 'j',
      state: stateWith({ kind: 'exited', exitCode: 0 }),
      read,
      startedAtMs: 900,
    } as const;
    return { steps, closing, report, outcome };
  }

  it('writes the start of a run that ends at once down with its end', async () => {
    const { steps, report, outcome } = start();
    report.started(run, 900);
    await report.end(run, outcome);
    expect(steps).toEqual(['ended 0 1970-01-01T00:00:00.900Z']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has output that stays in its files on the disk before the end that names it; short output needs no more than the commit', async () => {
    const { steps, report, outcome } = start();
    const flush = async () => void steps.push('flushed');
    await report.end(run, { ...outcome, flush });
    const long: ReadOutput = (_, from, bytesMax) => {
      const text = 'x'.repeat(Math.min(bytesMax, 300_000 - from));
      return { text, range: [from, from + text.length], totalBytes: 300_000 };
    };
    await report.end(run, { ...outcome, read: long, flush });
    await report.end(run, { ...outcome, read: long, flush: () => Promise.reject(new Error('EIO')) });
    expect(steps).toEqual(['ended 0 undefined', 'flushed', 'ended 0 undefined', 'ended 0 undefined']);
  });

  it('writes the start of one that goes on down soon, and that of a person at once', async () => {
    const { steps, report, outcome } = start();
    report.started(run, 900);
    vi.advanceTimersByTime(limits.startedWaitMs);
    report.started({ ...run, runId: 'run-2', origin: 'local', execId: null }, 900);
    await report.end(run, outcome);
    expect(steps).toEqual(['running run-1 e1', 'running run-2 run-2', 'ended 0 undefined']);
  });

  it('tries an end again until it is written down, takes nothing meanwhile, and says once why it is not', async () => {
    let log = '';
    const wasBehind: boolean[] = [];
    const report = createReport({
      ledger: {
        running: () => undefined,
        ended() {
          wasBehind.push(report.isBehind());
          if (wasBehind.length < 4) throw new Error('ENOSPC');
        },
        refuse: () => ({ kind: 'full' }),
      },
      log: createLogger('info', (line) => {
        log += line;
      }),
      signal: new AbortController().signal,
    });
    await report.end(run, { kind: 'unknown', reason: 'x' });
    expect([...wasBehind, report.isBehind()]).toEqual([false, true, true, true, false]);
    expect(log.split('could not be recorded')).toHaveLength(2);
  });

  it('leaves a start to the next agent when this one ends first', () => {
    const { steps, report, closing } = start();
    report.started(run, 900);
    closing.abort();
    vi.advanceTimersByTime(limits.startedWaitMs);
    expect(steps).toEqual([]);
  });
});
