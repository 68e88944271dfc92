import { defineCommand, oneWord } from '../../call/command.ts';
import { withFleet } from './connect.ts';

export const jobRemove = defineCommand({
  name: 'job remove',
  summary: 'take a job out of the catalogue and revoke it',
  usage: 'JOB',
  options: {},
  examples: ['kanade fleet job remove disk-report'],
  async run(_options, words, context) {
    const jobId = oneWord(words, 'JOB');
    return withFleet(context, async ({ fleet, removeManifest, audit }) => {
      const withdrawn = await removeManifest(fleet, jobId, { signal: context.io.signal });
      const noted = await audit({ action: 'job.remove', about: jobId, details: { withdrawn } });
      return { type: 'fleet.job.remove', job_id: jobId, withdrawn, ...noted };
    });
  },
});
