/** Wrong support codes, by user: on disk, so that no new start of the agent gives anybody new tries. */
import type { Durable } from '@kanade/durable';
import { limits } from '../limits.ts';

export interface Attempts {
  /** Until when a user may not try again, in ms since 1970; undefined = now. */
  lockedUntilMs(user: string, nowMs: number): number | undefined;
  /** Counts a try as wrong before it is judged. Throws what the file throws: then nobody may try. */
  begin(user: string, nowMs: number): void;
  /** It was right: nothing is held against the user any more. */
  forgive(user: string): void;
}

/**
 * Until when somebody with these wrong tries (ms since 1970, ascending) may not try again: so many within the window lock for as long
 * from the last of them on. A try that lies ahead by more than that is of a clock that was wrong, and counts for nothing.
 */
export function lockOf(wrongAtMs: readonly number[], nowMs: number): number | undefined {
  const { supportTriesMax: tries, supportWindowMs: windowMs } = limits;
  const known = wrongAtMs.filter((atMs) => atMs <= nowMs + windowMs);
  for (let last = known.length - 1; last >= tries - 1; last--) {
    const [first = 0, atMs = 0] = [known[last - tries + 1], known[last]];
    if (atMs - first <= windowMs) return atMs + windowMs > nowMs ? atMs + windowMs : undefined;
  }
  return undefined;
}

export function openAttempts(file: Durable): Attempts {
  return {
    lockedUntilMs(user, nowMs) {
      const rows = file.look((sql) =>
        sql('SELECT at_ms FROM support_attempt WHERE user_key = ? ORDER BY at_ms').all(user),
      );
      return lockOf(
        rows.map(({ at_ms }) => Number(at_ms)),
        nowMs,
      );
    },
    begin(user, nowMs) {
      file.transact(({ sql }) => {
        // A lock ends within two windows of the first of its tries.
        sql('DELETE FROM support_attempt WHERE at_ms < ?').run(nowMs - 2 * limits.supportWindowMs);
        sql('INSERT INTO support_attempt (user_key, at_ms) VALUES (?, ?)').run(user, Math.round(nowMs));
      });
    },
    forgive: (user) => file.transact(({ sql }) => void sql('DELETE FROM support_attempt WHERE user_key = ?').run(user)),
  };
}
