import { defineCommand, noWords } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';

export const collectList = defineCommand({
  name: 'collect list',
  summary: 'show the archives of files that runs collected, the oldest first',
  usage: '',
  options: {
    pc: { kind: 'text', value: 'PC', help: 'of this machine only' },
    job: { kind: 'text', value: 'JOB', help: 'of runs of this job only' },
  },
  examples: ['kanade fleet collect list --pc pc-1'],
  async run({ pc, job: jobId }, words, context) {
    noWords(words);
    return withFleet(context, async ({ fleet, listBundles }) => {
      const bundles = await listBundles(fleet, { pc, jobId, signal: context.io.signal });
      return {
        type: 'fleet.collect.list',
        bundles: bundles.map(({ key, pc, jobId, size, sha256, storedAt }) => {
          return { key, pc_id: pc, job_id: jobId, size_bytes: size, sha256, stored_at: storedAt };
        }),
      };
    });
  },
});
