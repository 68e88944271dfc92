import { defineCommand, UsageError } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';
import { checkOutput, shownResult } from './wait-answer.ts';

const limitDefault = 20;
const limitMax = 10_000;

export const results = defineCommand({
  name: 'results',
  summary: 'look up how runs ended: of an order, of a job, of a machine; the newest first',
  usage: '[EXEC_ID|JOB]',
  options: {
    pc: { kind: 'text', value: 'ID', help: 'only those of this machine' },
    limit: { kind: 'count', value: 'N', help: `how many at most (default: ${limitDefault})` },
    output: { kind: 'flag', help: 'with what they printed' },
  },
  notes: [
    'Results are kept for 30 days. Without an EXEC_ID the newest 20,000 results of the fleet are looked through.',
  ],
  examples: [
    'kanade fleet results 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77 --output',
    'kanade fleet results disk-report --limit 5',
    'kanade fleet results --pc pc-042',
  ],
  async run(options, words, context) {
    const [id, extra] = words;
    if (extra !== undefined)
      throw new UsageError(`unexpected word ${JSON.stringify(extra)}: one EXEC_ID or JOB is enough`);
    if (id === undefined && options.pc === undefined)
      throw new UsageError('EXEC_ID, JOB or --pc is needed: none given');
    const limit = options.limit ?? limitDefault;
    if (limit < 1 || limit > limitMax)
      throw new UsageError(`option --limit must be between 1 and ${limitMax}: ${limit}`);
    const { io } = context;
    const { signal } = io;
    return withFleet(context, async ({ fleet, findOrder, findResults }) => {
      const order =
        id === undefined
          ? undefined
          : await findOrder(fleet, id, { signal }).catch((error: { code?: string }) => {
              // The results themselves say whose they are: who may not look up orders finds the newest of them all the same.
              if (error.code !== 'broker_refused') throw error;
              io.stderr(
                `the broker does not let this user look up orders: the newest results are searched for ${id}\n`,
              );
              return undefined;
            });
      const whose = order ? { requestId: order.requestId } : { jobId: id };
      const found = await findResults(fleet, {
        ...whose,
        pc: options.pc,
        limit,
        withOutput: options.output === true,
        signal,
      });
      const shown = found.results.map((result) => ({
        exec_id: result.exec_id ?? undefined,
        job_id: result.manifest_id,
        ...shownResult(result),
        ...(options.output ? {} : { stdout: undefined, stderr: undefined }),
      }));
      checkOutput(found.results, { results: shown });
      return { type: 'fleet.results', results: shown, complete: found.complete };
    });
  },
});
