import { withClaim } from './claim.ts';
import { JobError } from './job-error.ts';
import { type JobDir, pathOf } from './layout.ts';
import { type MetaFile, readMeta } from './record.ts';
import { pretty, replaceFile } from './replace-file.ts';

/** Changes a job's definition in place; keys that we do not know stay. Returns what was written. */
export function editMeta(job: JobDir, change: (meta: MetaFile) => MetaFile): Promise<MetaFile> {
  return withClaim(job, 'meta', () => {
    const meta = readMeta(job);
    if (!meta) throw new JobError('invalid_state', `job ${job.id} cannot be changed: its meta.json is damaged`);
    const changed = change(meta);
    replaceFile(pathOf(job, 'meta'), pretty(changed));
    return changed;
  });
}
