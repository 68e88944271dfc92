import { defineCommand, oneWord } from '../../call/command.ts';
import { checkTags } from '../../local/definition.ts';
import { jobsOf } from '../../local/observation.ts';

export const tagSet = defineCommand({
  name: 'tag set',
  summary: 'replace the tags of a job; none given clears them',
  usage: 'JOB_ID',
  options: { tag: { kind: 'texts', value: 'TAG', help: 'a tag; repeatable' } },
  examples: ['kanade tag set 3f2a9c1 --tag release --tag build.web', 'kanade tag set 3f2a9c1'],
  async run(given, words, context) {
    checkTags(given.tag);
    const jobs = jobsOf(context);
    const job = jobs.find(oneWord(words, 'JOB_ID'));
    const meta = await jobs.edit(job, (known) => ({ ...known, tags: [...new Set(given.tag)] }));
    return { type: 'tag_set', job_id: job.id, tags: meta.tags };
  },
});
