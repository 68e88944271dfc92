import type { JobProgress, StateSnapshot, UserInvokableJob } from '@kanade/shared/local';
import type { Connection } from '../wire/page-event.ts';

/** What the page server needs of the agent. Every method rejects with {@link LinkError}, or with the signal's reason. */
export interface AgentLink {
  listJobs(options: { signal: AbortSignal }): Promise<readonly UserInvokableJob[]>;
  /** Starts a job; the run's progress comes as events. */
  execute(jobId: string, options: { signal: AbortSignal }): Promise<{ run_id: string }>;
  /** Asks for the stop of a run with everything it started; its end comes as an event. */
  kill(runId: string, options: { signal: AbortSignal }): Promise<void>;
}

/** What the agent says by itself. */
export type LinkEvent =
  | { readonly type: 'connection'; readonly connection: Connection }
  | { readonly type: 'snapshot'; readonly snapshot: StateSnapshot }
  | { readonly type: 'progress'; readonly progress: JobProgress };

/**
 * `away`: no agent to ask. `refused`: the agent does not want us. `not_allowed`: this user may not do that.
 * `not_found`: no such job or run. `too_many`: asked too often. `invalid`: the agent does not understand what was
 * asked. `internal`: the agent failed.
 */
export type LinkErrorCode = 'away' | 'refused' | 'not_allowed' | 'not_found' | 'too_many' | 'invalid' | 'internal';

export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
