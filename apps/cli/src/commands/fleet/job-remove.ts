import { removeJob } from '@kanade/fleet';
import { defineFleetCommand } from '../../fleet/command.ts';
import { oneWord } from './words.ts';

export const jobRemove = defineFleetCommand({
  name: 'job remove',
  summary: 'take a job out of the catalogue and revoke it',
  usage: 'JOB',
  options: {},
  examples: ['kanade fleet job remove disk-report'],
  plan(_, words) {
    const jobId = oneWord(words, 'JOB');
    return ({ io, withFleet }) =>
      withFleet(async (fleet) => {
        await removeJob(fleet, jobId, { signal: io.signal });
        return { type: 'fleet.job.remove', job_id: jobId };
      });
  },
});
