/**
 * Words of a job that need no schema library: the command line starts in milliseconds because its hot path
 * imports this file and not zod.
 */

/** States that stand in `state.json`. `unknown` is produced on output only, never written. */
export const jobStates = ['created', 'running', 'exited', 'killed', 'failed'] as const;
export type StoredState = (typeof jobStates)[number];
export type JobState = StoredState | 'unknown';

/** States after which nothing more happens to a run. */
export const isTerminal = (state: JobState): boolean => state === 'exited' || state === 'killed' || state === 'failed';

/**
 * Which state may follow which in `state.json` (contract, section 1.2). `undefined` stands for no file yet. A rewrite
 * that keeps the state (the pid becomes known, the logs are drained) is always legal and not listed.
 */
export const stateMoves = {
  created: ['running', 'failed'],
  running: ['exited', 'killed', 'failed', 'created'],
  exited: ['created'],
  killed: ['created'],
  failed: ['created'],
} as const satisfies Record<StoredState, readonly StoredState[]>;

/** May `to` be written over `from`? A job begins as created; `created` after that is a restart. */
export function isLegalMove(from: StoredState | undefined, to: StoredState): boolean {
  if (from === undefined) return to === 'created';
  const next: readonly StoredState[] = stateMoves[from];
  return from === to || next.includes(to);
}

/** Who asked for a run to stop. */
export type StopBy = 'user' | 'operator' | 'shutdown' | 'timeout';

/**
 * How a run ended. The list is closed; `lost` is never shown as success.
 * `killed` carries who asked for it, `not_started` the gate that refused it.
 */
export type Ending =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'signaled'; readonly signal: number }
  | { readonly kind: 'timed_out'; readonly exitCode?: number; readonly signal?: number }
  | {
      readonly kind: 'killed';
      readonly by: Exclude<StopBy, 'timeout'>;
      readonly exitCode?: number;
      readonly signal?: number;
    }
  | { readonly kind: 'not_started'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string };

/** Version text in every envelope and every file of a job. */
export const schemaVersion = '0.1';

/** First characters of a job id, for display. */
export const shortJobId = (jobId: string): string => jobId.slice(0, 7);

/** True when the text can name a job directory: a direct child of the root, never the root, its parent or another place. */
export const isJobName = (text: string): boolean => /^[A-Za-z0-9_-]{1,128}$/.test(text);

const segment = '[A-Za-z0-9-]+';
const tagPattern = new RegExp(`^${segment}(\\.${segment})*$`);
const tagFilterPattern = new RegExp(`^${segment}(\\.${segment})*(\\.\\*)?$`);

/** True for a tag that may be stored: segments of letters, digits and hyphens, joined by dots. */
export const isTag = (text: string): boolean => tagPattern.test(text);

/** True for a tag filter: a tag, or `prefix.*`, which matches the prefix and everything below it. */
export const isTagFilter = (text: string): boolean => tagFilterPattern.test(text);

/** Does a stored tag satisfy a filter? */
export function matchesTag(tag: string, filter: string): boolean {
  if (!filter.endsWith('.*')) return tag === filter;
  const prefix = filter.slice(0, -2);
  return tag === prefix || tag.startsWith(`${prefix}.`);
}
