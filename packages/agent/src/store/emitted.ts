/** How far the events of runs are queued: in one commit with them, so that an agent that dies in the middle goes on behind the last. */
import type { Durable } from '@kanade/durable';
import type { Outbox, OutboxRecord } from '@kanade/outbox';

export interface Progress {
  /** The last line that was looked at; 1 is the first. */
  readonly line: number;
  readonly queued: number;
  readonly bytes: number;
  /** Lines that are no event. */
  readonly bad: number;
}

export interface Emitted {
  /** How far a run came before. Runs that have ended are forgotten meanwhile. */
  begin(runId: string): Progress;
  /** Throws OutboxError `over_budget` when the outbox has no room, and what the file throws; then nothing is queued. */
  queue(runId: string, records: readonly OutboxRecord[], progress: Progress): void;
}

const nothing: Progress = { line: 0, queued: 0, bytes: 0, bad: 0 };

export function openEmitted(file: Durable, outbox: Pick<Outbox, 'enqueueIn'>): Emitted {
  return {
    begin(runId) {
      file.transact(({ sql }) =>
        sql("DELETE FROM emitted WHERE run_id NOT IN (SELECT run_id FROM run WHERE state <> 'ended')").run(),
      );
      const row = file.look((sql) => sql('SELECT * FROM emitted WHERE run_id = ?').get(runId));
      if (!row) return nothing;
      const { line, queued, bytes, bad } = row;
      return { line: Number(line), queued: Number(queued), bytes: Number(bytes), bad: Number(bad) };
    },
    queue(runId, records, { line, queued, bytes, bad }) {
      const addsBytes = records.reduce(
        (sum, { body, subject, id }) => sum + body.length + subject.length + id.length,
        0,
      );
      file.transact(
        (tx) => {
          for (const record of records) outbox.enqueueIn(tx, record);
          tx.sql(`INSERT OR REPLACE INTO emitted (run_id, line, queued, bytes, bad) VALUES (?, ?, ?, ?, ?)`).run(
            runId,
            line,
            queued,
            bytes,
            bad,
          );
        },
        { addsBytes },
      );
    },
  };
}
