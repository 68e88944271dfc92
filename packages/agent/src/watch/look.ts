/** A run and what it has printed, wherever it stands: live, ended, or left open by an earlier agent. */
import { existsSync } from 'node:fs';
import type { Jobs } from '@kanade/runner';
import type { JobTailReply } from '@kanade/shared/fleet';
import type { ReadOutput, Run } from '../run/model.ts';
import type { Registry } from '../run/supervise.ts';
import type { FindRun, KnownRun, RunNames } from '../store/find-run.ts';

export interface LookOptions {
  readonly findRun: FindRun;
  readonly registry: Pick<Registry, 'all'>;
  readonly jobs: Pick<Jobs, 'at' | 'readText'>;
}

/** A run as it stands when it is looked at. */
export interface Seen {
  readonly runId: string;
  readonly state: NonNullable<JobTailReply['state']>;
  /** How many attempts came before this one. */
  readonly attempt: number;
  /** Its directory and its output, where the machine keeps them. */
  readonly output: { readonly dir: string; readonly read: ReadOutput } | undefined;
  readonly end: KnownRun | undefined;
}

/** What ends a run goes by its own id alone. */
export const isNamed = ({ runId, requestId, execId, parentId }: Run, ids: RunNames): boolean =>
  runId === ids.runId ||
  (parentId === undefined && (requestId === ids.requestId || (execId !== null && execId === ids.execId)));

/** Undefined when nobody knows such a run. */
export function lookFor({ registry, findRun, jobs }: LookOptions, ids: RunNames): Seen | undefined {
  const live = registry.all().findLast(({ run }) => isNamed(run, ids));
  if (live) {
    const { run, running } = live;
    const output = running && { dir: running.job.path, read: running.read };
    const attempt = running?.attempt ?? 0;
    return { runId: run.runId, state: running ? 'running' : 'waiting', attempt, output, end: undefined };
  }
  const known = findRun(ids);
  if (!known) return undefined;
  const job = known.jobId === undefined ? undefined : jobs.at(known.jobId);
  const read: ReadOutput = (stream, from, bytesMax) =>
    jobs.readText(job as NonNullable<typeof job>, stream, { from, bytesMax });
  return {
    runId: known.runId,
    state: known.isEnded ? 'ended' : 'running',
    attempt: known.retries,
    output: job && existsSync(job.path) ? { dir: job.path, read } : undefined,
    end: known.isEnded ? known : undefined,
  };
}
