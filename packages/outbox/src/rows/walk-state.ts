/*
 * The order of enqueuing within one state, from the index (state, priority DESC, seq): one short range per priority, merged.
 * An index of its own for that would cost every enqueue.
 */
import type { Sql } from '@kanade/durable';
import type { RecordState } from './record.ts';

/** With more priorities than this, sorting is the smaller evil. */
const mergedPriorities = 64;

/** Rows of a state behind `after`, oldest first. */
export function seqsInState(
  sql: Sql,
  { state, after, limit }: { state: RecordState; after: number; limit: number },
): number[] {
  const priorities: number[] = [];
  for (let next = lowestPriority(sql, state, null); next !== null; next = lowestPriority(sql, state, next)) {
    priorities.push(next);
    if (priorities.length > mergedPriorities) return sorted(sql, { state, after, limit });
  }
  return priorities
    .flatMap((priority) =>
      sql('SELECT seq FROM $t WHERE state = ? AND priority = ? AND seq > ? ORDER BY seq LIMIT ?').all(
        state,
        priority,
        after,
        limit,
      ),
    )
    .map((row) => row.seq as number)
    .sort((a, b) => a - b)
    .slice(0, limit);
}

/** The lowest priority above `below` in a state; null when there is none. */
export function lowestPriority(sql: Sql, state: RecordState, below: number | null): number | null {
  const above = below ?? Number.MIN_SAFE_INTEGER - 1;
  const row = sql('SELECT min(priority) AS priority FROM $t WHERE state = ? AND priority > ?').get(state, above);
  return (row?.priority as number | null | undefined) ?? null;
}

function sorted(sql: Sql, { state, after, limit }: { state: RecordState; after: number; limit: number }): number[] {
  const rows = sql('SELECT seq FROM $t WHERE state = ? AND seq > ? ORDER BY seq LIMIT ?').all(state, after, limit);
  return rows.map((row) => row.seq as number);
}
