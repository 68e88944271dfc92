/* Which endings were passed on, and from when on the agent is asked for them again after a break. */
import type { JobProgress } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';

/** Runs that end together are told in any order: from this long before the newest ending they are asked for again, in ms. */
const overlapMs = 60_000;

/** Endings remembered; more than an agent tells again. */
const rememberedMax = 500;

export interface ToldEndings {
  /** Notes what the agent told. False for an ending that it told before. */
  take(progress: Pick<JobProgress, 'run_id' | 'status' | 'finished_at'>): boolean;
  /** What `jobs.subscribe` is to be asked for at `nowMs`; undefined for all that the agent still tells. */
  since(nowMs: number): string | undefined;
}

/** Counts by the clock of the agent, in the endings themselves: a wait of ours, however long, moves nothing. */
export function createToldEndings(): ToldEndings {
  const told = new Set<string>();
  let newestMs = Number.NEGATIVE_INFINITY;
  return {
    take({ run_id, status, finished_at }) {
      if (!isEnded(status)) return true;
      if (told.has(run_id)) return false;
      told.add(run_id);
      const [oldest] = told;
      if (told.size > rememberedMax && oldest !== undefined) told.delete(oldest);
      if (finished_at !== undefined) newestMs = Math.max(newestMs, Date.parse(finished_at));
      return true;
    },
    since(nowMs) {
      // An ending of tomorrow: the clock was set back, and what ended since then would be missed.
      if (!Number.isFinite(newestMs) || newestMs > nowMs) return undefined;
      return new Date(newestMs - overlapMs).toISOString();
    },
  };
}
