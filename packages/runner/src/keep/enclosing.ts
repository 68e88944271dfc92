import { errnoOf } from '../job-error.ts';
import { settle, treeOf } from '../life/settle.ts';
import { controlGroupIn, settleControlGroupIn } from '../process/control-group/control-group.ts';
import type { Enclosing } from '../process/control-group/enclose.ts';
import { writeNewFile } from '../record/files.ts';
import { type JobDir, pathOf, pathsOf } from '../record/layout.ts';

/** How a running job's tree is put into a control group; undefined when it needs none any more. */
export function enclosingOf(job: JobDir): Enclosing | undefined {
  const { status, state } = settle(job);
  if (status !== 'running' || !state?.identity) return undefined;
  const file = pathOf(job, 'controlGroup');
  const named = controlGroupIn(file, job.id);
  if (named?.isSettled) return undefined;
  return {
    target: treeOf(job, state.identity, pathsOf(job), false),
    name: job.id,
    hasBegun: named !== undefined,
    onGroup: (path) => {
      if (path !== named?.path) writeNewFile(file, `${path}\n`);
    },
    onSettled() {
      try {
        settleControlGroupIn(file);
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error; // it has ended meanwhile, and its group went with it
      }
    },
  };
}
