import { describe, expect, it } from 'vitest';
import type { PageEvent } from '../wire/page-event.ts';
import { foldRuns, inReadingOrder, type RunView, runCountMax } from './run.ts';

const at = '2026-03-01T10:00:00Z';

function progress(run_id: string, rest: Partial<Extract<PageEvent, { type: 'progress' }>['progress']> = {}): PageEvent {
  return { type: 'progress', at, progress: { run_id, status: 'running', ...rest } };
}

function fold(...events: PageEvent[]): readonly RunView[] {
  return events.reduce<readonly RunView[]>(foldRuns, []);
}

describe('foldRuns()', () => {
  it('joins deltas and takes the end from the last push', () => {
    const runs = fold(
      progress('r', { job_id: 'disk-report', started_at: '2026-03-01T09:59:58Z', stdout_chunk: 'one\n' }),
      progress('r', { stdout_chunk: 'two\n', stderr_chunk: 'oh\n' }),
      progress('r', { status: 'failed', exit_code: 3, stdout_chunk: 'one\ntwo\nthree\n', stderr_chunk: 'oh\n' }),
    );
    expect(runs).toEqual([
      {
        run_id: 'r',
        job_id: 'disk-report',
        status: 'failed',
        exit_code: 3,
        started_at: '2026-03-01T09:59:58Z',
        finished_at: at,
        stopping: false,
        isInterrupted: false,
        stdout: { text: 'one\ntwo\nthree\n', droppedChars: 0 },
        stderr: { text: 'oh\n', droppedChars: 0 },
      },
    ]);
  });

  it('ignores a delta that comes after the end', () => {
    const ended = fold(progress('r', { status: 'completed', exit_code: 0, stdout_chunk: 'all\n' }));
    expect(foldRuns(ended, progress('r', { stdout_chunk: 'late\n' }))).toEqual(ended);
  });

  it('keeps the status it knows when a newer agent sends another one', () => {
    expect(fold(progress('r'), progress('r', { status: 'unknown' }))[0]?.status).toBe('running');
  });

  it('says that a run is stopping until it ends', () => {
    const stopping = fold(progress('r'), { type: 'stopping', run_id: 'r' });
    expect(stopping[0]?.stopping).toBe(true);
    expect(foldRuns(stopping, progress('r', { status: 'killed' }))[0]?.stopping).toBe(false);
  });

  it('does not call a run stopping that has ended', () => {
    const ended = fold(progress('r', { status: 'completed' }), { type: 'stopping', run_id: 'r' });
    expect(ended[0]?.stopping).toBe(false);
  });

  it('does not show output twice that the agent sends again after a break', () => {
    const runs = fold(
      progress('r', { stdout_chunk: 'one\n' }),
      { type: 'connection', connection: { phase: 'away', detail: 'gone' } },
      progress('r', { stdout_chunk: 'one\ntwo\n' }),
      progress('r', { stdout_chunk: 'three\n' }),
    );
    expect(runs[0]?.stdout.text).toBe('one\ntwo\nthree\n');
  });

  it('makes room by leaving out the oldest finished run', () => {
    const events = Array.from({ length: runCountMax }, (_, index) =>
      progress(`r${index}`, index === 3 || index === 5 ? { status: 'completed' } : {}),
    );
    const runs = fold(...events, progress('new'));
    expect(runs).toHaveLength(runCountMax);
    expect(runs.map((run) => run.run_id)).not.toContain('r3');
    expect(runs.map((run) => run.run_id)).toContain('r5');
    expect(runs.at(-1)?.run_id).toBe('new');
  });

  it('leaves a new run out while every place is taken by an active one', () => {
    const active = fold(...Array.from({ length: runCountMax }, (_, index) => progress(`r${index}`)));
    expect(foldRuns(active, progress('new'))).toEqual(active);
  });
});

describe('inReadingOrder()', () => {
  it('puts active runs first and the newest on top', () => {
    const runs = fold(
      progress('old-active', { started_at: '2026-03-01T08:00:00Z' }),
      progress('old-ended', { status: 'completed', started_at: '2026-03-01T08:30:00Z' }),
      progress('new-ended', { status: 'failed', started_at: '2026-03-01T18:00:00+09:00' }),
      progress('new-active', { started_at: '2026-03-01T09:30:00Z' }),
    );
    expect(inReadingOrder(runs).map((run) => run.run_id)).toEqual([
      'new-active',
      'old-active',
      'new-ended',
      'old-ended',
    ]);
  });
});
