import { editMeta, findJob, settle } from '@kanade/runner';
import { followFromNow } from '@kanade/runner/host';
import { defineCommand, oneWord } from '../../call/command.ts';
import { checkMatch, matchOptions, mergeMatch } from '../../local/definition.ts';
import { handOver } from '../../local/observation.ts';

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
  async run(given, words, { root }) {
    checkMatch(given);
    const job = findJob(root, oneWord(words, 'JOB_ID'));
    const isRunning = settle(job).status === 'running';
    if (isRunning) followFromNow(job); // before the host can see the match
    const meta = await editMeta(job, (known) => {
      const match = mergeMatch(known.notification?.on_output_match, given);
      return {
        ...known,
        notification: {
          ...known.notification,
          ...(given.command === undefined ? {} : { notify_command: given.command }),
          ...(match ? { on_output_match: match } : {}),
        },
      };
    });
    if (isRunning) handOver(root, job);
    return { type: 'notify.set', job_id: job.id, notification: meta.notification };
  },
});
