import { enclose } from '../process/enclose.ts';
import type { TreeTarget } from '../process/members.ts';
import { errnoOf } from './job-error.ts';
import { controlGroupOf } from './job-group.ts';
import { type JobDir, pathOf } from './layout.ts';
import type { StateFile } from './record.ts';
import { isNoRoom, writeNewFile } from './replace-file.ts';
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

/** Gives a running job a control group, once; whoever watches over it calls this when it has run for a while. */
export async function encloseJob(job: JobDir): Promise<void> {
  const { status, state } = settle(job);
  const tree = treeOf(job, state);
  if (status !== 'running' || !tree || tree.controlGroup) return;
  try {
    await enclose(tree, job.id, (path) => writeNewFile(pathOf(job, 'controlGroup'), `${path}\n`));
  } catch (error) {
    // Somebody else is at it, the job was deleted, or the disk is full: then it is taken without a group.
    if (!isNoRoom(error) && errnoOf(error) !== 'EEXIST' && errnoOf(error) !== 'ENOENT') throw error;
  }
}
