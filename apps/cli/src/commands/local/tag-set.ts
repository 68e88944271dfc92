import { defineCommand, oneWord } from '../../call/command.ts';
import { answerTagSet } from '../../door/tag-set.ts';
import { checkTags } from '../../local/definition.ts';
import { jobsOf } from '../../local/observation.ts';

export const tagSet = defineCommand({
  name: 'tag set',
  summary: 'replace the tags of a job; none given clears them',
  usage: 'JOB_ID',
  options: { tag: { kind: 'texts', value: 'TAG', help: 'a tag; repeatable' } },
  examples: ['kanade tag set 3f2a9c1 --tag release --tag build.web', 'kanade tag set 3f2a9c1'],
  run(given, words, context) {
    checkTags(given.tag);
    return answerTagSet(jobsOf(context), oneWord(words, 'JOB_ID'), given.tag);
  },
});
