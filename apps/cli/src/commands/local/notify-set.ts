import { defineCommand, oneWord } from '../../call/command.ts';
import { checkMatch, matchOptions, mergeMatch } from '../../local/definition.ts';
import { jobsOf } from '../../local/observation.ts';

export const notifySet = defineCommand({
  name: 'notify set',
  summary: 'change who is told about a job; what was printed before is not told',
  usage: 'JOB_ID',
  options: {
    command: { kind: 'text', value: 'CMD', help: 'run this at the end, with the event as its input' },
    ...matchOptions,
  },
  examples: [
    "kanade notify set 3f2a9c1 --command 'mail -s done me'",
    'kanade notify set 3f2a9c1 --output-pattern "listening on" --output-file events.ndjson',
  ],
  async run(given, words, context) {
    checkMatch(given);
    const jobs = jobsOf(context);
    const job = jobs.find(oneWord(words, 'JOB_ID'));
    const meta = await jobs.notify(job, (known) => {
      const match = mergeMatch(known?.on_output_match, given);
      return {
        ...known,
        ...(given.command === undefined ? {} : { notify_command: given.command }),
        ...(match ? { on_output_match: match } : {}),
      };
    });
    return { type: 'notify.set', job_id: job.id, notification: meta.notification };
  },
});
