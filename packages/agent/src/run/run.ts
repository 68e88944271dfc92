import type { JobDir } from '@kanade/runner';
import type { Command } from '@kanade/shared/fleet';

/** One execution of one accepted order. `runId` is also its result id. */
export interface Run {
  readonly runId: string;
  readonly pcId: string;
  readonly requestId: string;
  /** What `kill.<exec_id>` names; null for runs that no operator ordered. */
  readonly execId: string | null;
  readonly origin: 'fleet' | 'local';
  /** User key of the person who started it; null for fleet runs. */
  readonly owner: string | null;
  readonly command: Command;
}

/** A run that has not ended, as it stands in the database. */
export interface OpenRun {
  readonly run: Run;
  readonly state: 'admitted' | 'launching' | 'running';
  readonly job: JobDir | undefined;
}
