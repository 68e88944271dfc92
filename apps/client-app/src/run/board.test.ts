import { describe, expect, it } from 'vitest';
import { createBoard, type PageEvent } from './board.ts';
import { appendOutput, emptyOutput, finalOutput, outputCharsMax, placeOutput, resumeOutput } from './output.ts';
import { foldRuns, inReadingOrder, type RunView, runCountMax } from './runs.ts';

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
        heard_at: at,
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

const endedRun = {
  type: 'ended',
  progress: {
    run_id: 'r1',
    job_id: 'disk-report',
    status: 'failed',
    exit_code: 3,
    finished_at: '2026-03-01T10:00:09Z',
  },
} as const;

it('createBoard() ends a run whose last push nobody heard, and keeps what it had printed', () => {
  const board = createBoard({ now: () => '2026-03-01T10:00:00Z' });
  board.receive({ type: 'progress', progress: { run_id: 'r1', status: 'running', stdout_chunk: 'half\n' } });
  board.receive({ type: 'connection', connection: { phase: 'away', detail: 'nobody there' } });
  board.receive(endedRun);
  expect(board.view().runs).toMatchObject([
    { run_id: 'r1', status: 'failed', exit_code: 3, finished_at: '2026-03-01T10:00:09Z', stdout: { text: 'half\n' } },
  ]);
});

it('createBoard() shows no run for the sake of its ending, and changes none that has one', () => {
  const board = createBoard({ now: () => '2026-03-01T10:00:00Z' });
  board.receive(endedRun);
  expect(board.view().runs).toEqual([]);
  board.receive({ type: 'progress', progress: { run_id: 'r1', status: 'killed', exit_code: 143 } });
  board.receive(endedRun);
  expect(board.view().runs).toMatchObject([{ status: 'killed', exit_code: 143 }]);
});

const full = 'x'.repeat(outputCharsMax);

describe('appendOutput()', () => {
  it('keeps everything up to the limit', () => {
    expect(appendOutput(emptyOutput, full)).toEqual({ text: full, droppedChars: 0 });
  });

  it('drops the beginning beyond the limit and counts it', () => {
    const output = appendOutput(appendOutput(emptyOutput, full), 'yy');
    expect(output.droppedChars).toBe(2);
    expect(output.text).toHaveLength(outputCharsMax);
    expect(output.text.endsWith('xyy')).toBe(true);
  });

  it('starts at a whole line where one is near', () => {
    const output = appendOutput(emptyOutput, `first line\nsecond\n${'x'.repeat(outputCharsMax - 10)}`);
    expect(output).toEqual({ text: `second\n${'x'.repeat(outputCharsMax - 10)}`, droppedChars: 11 });
  });

  it('does not cut a character in two', () => {
    const output = appendOutput(emptyOutput, `😀${'x'.repeat(outputCharsMax - 1)}`);
    expect(output).toEqual({ text: 'x'.repeat(outputCharsMax - 1), droppedChars: 2 });
  });
});

describe('finalOutput()', () => {
  const streamed = { text: 'a long text that was streamed\n', droppedChars: 0 };
  const note = '...[truncated: output exceeded 256 KiB]';

  it.each([
    ['the full text', 'whole\n', { text: 'whole\n', droppedChars: 0 }],
    ['the streamed text when the full one is empty', '', streamed],
    [
      'the cut text when it is longer',
      `${'y'.repeat(100)}\n${note}`,
      { text: `${'y'.repeat(100)}\n${note}`, droppedChars: 0 },
    ],
  ])('takes %s', (_name, text, expected) => {
    expect(finalOutput(streamed, text)).toEqual(expected);
  });

  it('keeps the streamed text when the full one was cut and is shorter, counting what was dropped', () => {
    const long = { text: 'tail\n', droppedChars: 1_000 };
    expect(finalOutput(long, `head\n${note}`)).toBe(long);
  });
});

describe('resumeOutput()', () => {
  const known = { text: 'one\n', droppedChars: 0 };

  it.each([
    ['a replay from the start', 'one\ntwo\n', 'one\ntwo\n'],
    ['a replay without news', 'one\n', 'one\n'],
    ['a delta', 'two\n', 'one\ntwo\n'],
    ['nothing', '', 'one\n'],
  ])('%s', (_name, chunk, text) => {
    expect(resumeOutput(known, chunk)).toEqual({ text, droppedChars: 0 });
  });
});

describe('placeOutput()', () => {
  const known = { text: 'one\n', droppedChars: 0, nextByte: 4 };
  const steady = { isInterrupted: false };
  const broken = { isInterrupted: true };

  it.each([
    ['the first chunk', emptyOutput, 'one\n', { from: 0, ...steady }, known],
    ['what comes next', known, 'two\n', { from: 4, ...steady }, { text: 'one\ntwo\n', droppedChars: 0, nextByte: 8 }],
    ['another attempt', known, 'new\n', { from: 0, ...steady }, { text: 'new\n', droppedChars: 0, nextByte: 4 }],
    [
      'all of it told anew',
      known,
      'one\ntwo\n',
      { from: 0, ...broken },
      { text: 'one\ntwo\n', droppedChars: 0, nextByte: 8 },
    ],
    [
      'a part told again',
      known,
      'ne\n二\n',
      { from: 1, ...broken },
      { text: 'one\n二\n', droppedChars: 0, nextByte: 8 },
    ],
    ['nothing but what is known', known, 'ne\n', { from: 1, ...broken }, known],
    [
      'what lies behind a gap',
      known,
      'end\n',
      { from: 100, ...steady },
      { text: 'end\n', droppedChars: 100, nextByte: 104 },
    ],
  ] as const)('%s', (_name, output, chunk, place, expected) => {
    expect(placeOutput(output, chunk, place)).toEqual(expected);
  });

  it('keeps what comes in order though its bytes were no text and count otherwise', () => {
    const first = placeOutput(emptyOutput, '\ufffd\n', { from: 0, ...steady });
    expect(placeOutput(first, 'x\n', { from: 2, ...steady }).text).toBe('\ufffd\nx\n');
  });
});
