import { defineCommand, oneWord } from '../../call/command.ts';
import { withFleet } from './connect.ts';

export const revoke = defineCommand({
  name: 'revoke',
  summary:
    'forbid a job: no machine starts it any more, and orders that wait are taken back; runs that have begun go on',
  usage: 'JOB',
  options: {},
  examples: ['kanade fleet revoke disk-report'],
  async run(_options, words, context) {
    const jobId = oneWord(words, 'JOB');
    return withFleet(context, async ({ fleet, revokeJob, audit }) => {
      const changed = await revokeJob(fleet, jobId, { signal: context.io.signal });
      const noted = await audit({ action: 'revoke', about: jobId, details: { ...changed } });
      return { type: 'fleet.revoke', job_id: jobId, ...changed, ...noted };
    });
  },
});

export const unrevoke = defineCommand({
  name: 'unrevoke',
  summary: 'allow a revoked job again; orders from before stay forbidden',
  usage: 'JOB',
  options: {},
  examples: ['kanade fleet unrevoke disk-report'],
  async run(_options, words, context) {
    const jobId = oneWord(words, 'JOB');
    return withFleet(context, async ({ fleet, unrevokeJob, audit }) => {
      const changed = await unrevokeJob(fleet, jobId, { signal: context.io.signal });
      const noted = await audit({ action: 'unrevoke', about: jobId, details: { ...changed } });
      return { type: 'fleet.unrevoke', job_id: jobId, ...changed, ...noted };
    });
  },
});
