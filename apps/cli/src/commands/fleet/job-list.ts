import type { ListedManifest } from '@kanade/fleet';
import { defineCommand, noWords } from '../../call/command.ts';
import { withFleet } from './connect.ts';

export const jobList = defineCommand({
  name: 'job list',
  summary: 'show the jobs of the catalogue',
  usage: '',
  options: {},
  examples: ['kanade fleet job list'],
  async run(_options, words, context) {
    noWords(words);
    return withFleet(context, async ({ fleet, listManifests }) => {
      const jobs = await listManifests(fleet, { signal: context.io.signal });
      return { type: 'fleet.job.list', jobs: jobs.map(entryOf) };
    });
  },
});

function entryOf(job: ListedManifest): Record<string, unknown> {
  if (!job.ok) return { id: job.jobId, faults: job.faults };
  const { id, version, description, tags, client } = job.manifest;
  return { id, version, description, tags: tags ?? [], category: client?.category };
}
