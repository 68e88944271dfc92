import type { ShownRun } from '@kanade/fleet';
import type { EventStarted } from '@kanade/shared/fleet';
import { envelopeOf, Failure } from '../../../answer/answer.ts';
import {
  type AlreadyPrinted,
  type Answer,
  type Context,
  defineCommand,
  oneWord,
  UsageError,
} from '../../../call/command.ts';
import { type Connected, withFleet } from '../connect.ts';
import { openOutputFile } from './output-file.ts';
import { createOutputText, type OutputText } from './output-text.ts';
import { rowOf, runningRowOf } from './result-row.ts';

const outputs = ['stdout', 'stderr'] as const;

export const show = defineCommand({
  name: 'show',
  summary: 'show one run: how it ended, who ordered it, what was stopped, and all that it printed',
  usage: 'RUN_ID',
  options: {
    stdout: { kind: 'text', value: 'FILE', help: 'write what it printed there into a new file, byte for byte' },
    stderr: { kind: 'text', value: 'FILE', help: 'the same of its standard error' },
    'no-output': { kind: 'flag', help: 'without what it printed' },
  },
  notes: [
    'RUN_ID is the result_id of its result. Output is printed as it comes from the broker, however long it is; bytes that are no UTF-8 become U+FFFD, in a file they stay.',
  ],
  examples: [
    'kanade fleet show 1c3f9a52-6c2e-4d36-9b8b-0f5c3a1d9e77',
    'kanade fleet show 1c3f9a52-6c2e-4d36-9b8b-0f5c3a1d9e77 --no-output --json',
  ],
  async run(options, words, context) {
    const runId = oneWord(words, 'RUN_ID');
    const files = { stdout: options.stdout, stderr: options.stderr };
    const isBare = options['no-output'] === true;
    if (isBare && (files.stdout ?? files.stderr) !== undefined)
      throw new UsageError('option --no-output shows none: --stdout and --stderr say where to write it');
    return withFleet(context, async (connected) => {
      const run = await connected.showRun(connected.fleet, runId, { signal: context.io.signal });
      if (!run) throw notFound(runId);
      const answer = answerOf(run);
      const { found } = run;
      if (!found || isBare) return answer;
      const written: Record<string, unknown> = {};
      for (const stream of outputs) {
        const to = files[stream];
        if (to === undefined) continue;
        written[`${stream}_file`] = to;
        written[`${stream}_bytes`] = await writeOutput(connected, { sequence: found.sequence, stream, to }, context);
      }
      const shown = outputs.filter((stream) => files[stream] === undefined);
      const sequence = found.sequence;
      return shown.length === 0
        ? { ...answer, ...written }
        : printed(connected, { answer: { ...answer, ...written }, sequence, shown }, context);
    });
  },
});

const notFound = (runId: string): Failure =>
  new Failure(
    'run_not_found',
    `no run of this id is known: ${runId}; "kanade fleet results EXEC_ID" shows those of an order`,
    {
      details: { run_id: runId },
    },
  );

function answerOf({ found, started, receivedMs, after, order, unknown }: ShownRun): Answer {
  const row = found ? rowOf(found) : runningRowOf(started as EventStarted);
  const stop = found?.result.stop_report;
  return {
    type: 'fleet.show',
    ...row,
    request_id: found?.result.request_id ?? started?.request_id,
    version: started?.version ?? order?.order?.version,
    received_at: receivedMs === undefined ? undefined : new Date(receivedMs).toISOString(),
    began: started?.started_at,
    stop,
    ...(order
      ? { order: { at: order.at, user: order.user, host: order.host, action: order.action, ...order.order } }
      : {}),
    ...(after.length > 0 ? { after: after.map(rowOf) } : {}),
    ...(unknown.length > 0 ? { unknown } : {}),
  };
}

interface Writing {
  readonly sequence: number;
  readonly stream: 'stdout' | 'stderr';
  readonly to: string;
}

/** Bytes that were written. */
async function writeOutput(
  { fleet, readOutput }: Connected,
  { sequence, stream, to }: Writing,
  { io }: Context,
): Promise<number> {
  await using file = await openOutputFile(to);
  const request = { sequence, stream, onBytes: file.append, signal: io.signal };
  const missing = await readOutput(fleet, request);
  if (missing) throw unavailable([missing]);
  return file.keep();
}

function unavailable(missing: readonly { stream: string; object: string; reason: string }[]): Failure {
  const said = missing.map(({ stream, object, reason }) => `${stream} (${object}: ${reason})`).join(', ');
  return new Failure('output_unavailable', `output could not be fetched: ${said}`, { details: { missing } });
}

interface Printing {
  readonly answer: Answer;
  readonly sequence: number;
  readonly shown: readonly ('stdout' | 'stderr')[];
}

/** Prints an answer and what the run printed behind it, piece by piece. */
async function printed(
  connected: Connected,
  { answer, sequence, shown }: Printing,
  { io, form }: Context,
): Promise<Answer | AlreadyPrinted> {
  const text = createOutputText(io, form);
  await text.begin(envelopeOf(answer));
  const missing: object[] = [];
  for (const stream of shown) {
    text.open(stream);
    const fault = await pieces(connected, { sequence, stream, text, signal: io.signal });
    text.close();
    if (!fault) continue;
    missing.push(fault);
    io.stderr(`${stream} is not all there: ${fault.reason}\n`);
  }
  const rest = text.end(missing.length > 0 ? { missing_output: missing } : {});
  return rest ? { ...answer, ...rest } : { exitCode: missing.length > 0 ? 1 : 0 };
}

/** Prints a stream; why it is not all of it, where that is so: what has begun to be printed is printed to its end. */
async function pieces(
  { fleet, readOutput }: Connected,
  { text, ...asked }: { sequence: number; stream: 'stdout' | 'stderr'; text: OutputText; signal: AbortSignal },
): Promise<{ stream: string; reason: string; object?: string } | undefined> {
  try {
    return await readOutput(fleet, { ...asked, onBytes: text.add });
  } catch (error) {
    return { stream: asked.stream, reason: error instanceof Error ? error.message : String(error) };
  }
}
