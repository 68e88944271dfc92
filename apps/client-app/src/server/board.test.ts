import { expect, it } from 'vitest';
import { createBoard } from './board.ts';

const ended = {
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
  board.receive(ended);
  expect(board.view().runs).toMatchObject([
    { run_id: 'r1', status: 'failed', exit_code: 3, finished_at: '2026-03-01T10:00:09Z', stdout: { text: 'half\n' } },
  ]);
});

it('createBoard() shows no run for the sake of its ending, and changes none that has one', () => {
  const board = createBoard({ now: () => '2026-03-01T10:00:00Z' });
  board.receive(ended);
  expect(board.view().runs).toEqual([]);
  board.receive({ type: 'progress', progress: { run_id: 'r1', status: 'killed', exit_code: 143 } });
  board.receive(ended);
  expect(board.view().runs).toMatchObject([{ status: 'killed', exit_code: 143 }]);
});
