import { type Enclosing, enclose } from '../process/enclose.ts';
import type { TreeTarget } from '../process/members.ts';
import { controlGroupOf } from './job-group.ts';
import { type JobDir, pathOf } from './layout.ts';
import type { StateFile } from './record.ts';
import { writeNewFile } from './replace-file.ts';
import { settle } from './settle.ts';

/** All that the members of a job's tree can be known by; undefined for a job without identity. */
export function treeOf(job: JobDir, state: StateFile | undefined): TreeTarget | undefined {
  if (!state?.identity) return undefined;
  const controlGroup = controlGroupOf(job);
  return {
    leader: state.identity,
    logs: [pathOf(job, 'stdout'), pathOf(job, 'stderr')],
    mark: job.id,
    ...(controlGroup ? { controlGroup } : {}),
  };
}

/** Gives running jobs control groups, each once; whoever watches over them calls this when they have run for a while. */
export async function encloseJobs(jobs: readonly JobDir[]): Promise<void> {
  await enclose(jobs.flatMap((job) => enclosingOf(job)));
}

function enclosingOf(job: JobDir): Enclosing[] {
  const { status, state } = settle(job);
  const target = treeOf(job, state);
  if (status !== 'running' || !target || target.controlGroup) return [];
  const onGroup = (path: string): void => writeNewFile(pathOf(job, 'controlGroup'), `${path}\n`);
  return [{ target, name: job.id, onGroup }];
}
