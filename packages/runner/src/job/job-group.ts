/** Which control group a job has: `control-group` in its directory says so. */
import { rmSync } from 'node:fs';
import { isControlGroupOf, removeControlGroup } from '../process/control-group.ts';
import { type JobDir, pathOf } from './layout.ts';
import { readSmallFile } from './record.ts';

/** The control group that a job was given; undefined when it has none. */
export function controlGroupOf(job: JobDir): string | undefined {
  const path = readSmallFile(pathOf(job, 'controlGroup'))?.trim();
  return path && isControlGroupOf(path, job.id) ? path : undefined;
}

/** The group goes with the job, unless a daemon that the job has left behind is in it. */
export function dropControlGroup(job: JobDir): void {
  const path = controlGroupOf(job);
  if (path && removeControlGroup(path)) rmSync(pathOf(job, 'controlGroup'), { force: true });
}
