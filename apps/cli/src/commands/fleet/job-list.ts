import { type ListedJob, listJobs } from '@kanade/fleet';
import { defineFleetCommand } from '../../fleet/command.ts';
import { noWords } from './words.ts';

export const jobList = defineFleetCommand({
  name: 'job list',
  summary: 'show the jobs of the catalogue',
  usage: '',
  options: {},
  examples: ['kanade fleet job list'],
  plan(_, words) {
    noWords(words);
    return ({ io, withFleet }) =>
      withFleet(async (fleet) => {
        const jobs = await listJobs(fleet, { signal: io.signal });
        return { type: 'fleet.job.list', jobs: jobs.map(entryOf) };
      });
  },
});

function entryOf(job: ListedJob): Record<string, unknown> {
  if (!job.ok) return { id: job.jobId, faults: job.faults };
  const { id, version, description, tags, client } = job.manifest;
  return { id, version, description, tags: tags ?? [], category: client?.category };
}
