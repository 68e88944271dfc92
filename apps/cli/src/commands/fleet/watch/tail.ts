import type { FoundRuns, Standings, TailEvent } from '@kanade/fleet';
import { Failure } from '../../../answer/answer.ts';
import { type Answer, type Context, defineCommand, oneWord, UsageError } from '../../../call/command.ts';
import { type Connected, withFleet } from '../connect.ts';
import { createOutputPrinter } from './output-printer.ts';

export const fleetTail = defineCommand({
  name: 'tail',
  summary: 'show what runs print on their machines, while they run and as long as it is kept there',
  usage: 'EXEC_ID|RUN_ID|REQUEST_ID',
  options: {
    pc: { kind: 'texts', value: 'ID[,ID...]', help: 'only on these machines, which need not be looked for' },
    follow: { kind: 'flag', help: 'go on until every run that has begun has ended, or Ctrl-C' },
    'from-start': { kind: 'flag', help: 'begin with the first byte, not with the last 64 KiB; needs --follow' },
  },
  notes: [
    'With --follow JSON is one line for each piece of output, with its place in the stream in bytes: joined they are the stream, whatever restarts meanwhile. Bytes that are no UTF-8 become U+FFFD. For people output of several machines is printed line by line with the machine before it, standard error on standard error; on a terminal control characters of a job are shown as what they are, into a file they go unchanged.',
  ],
  examples: [
    'kanade fleet tail 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77 --follow',
    'kanade fleet tail 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77 --pc pc-042 --follow --from-start',
  ],
  async run(options, words, context) {
    const id = oneWord(words, 'EXEC_ID, RUN_ID or REQUEST_ID');
    const { follow = false, 'from-start': fromStart = false } = options;
    if (fromStart && !follow) throw new UsageError('option --from-start needs --follow');
    const pcs = options.pc.flatMap((text) => text.split(','));
    if (pcs.includes('')) throw new UsageError(`option --pc holds an empty name: ${options.pc.join(' ')}`);
    const { signal } = context.io;
    return withFleet(context, async (connected) => {
      const named = pcs.length > 0 ? [...new Set(pcs)] : undefined;
      const runs = await connected.findRuns(connected.fleet, id, { pcs: named, signal });
      if (!runs) throw runNotFound(id);
      const tail = { id, runs, follow, fromStart };
      return context.tellsEnding || follow ? print(connected, tail, context) : collect(connected, tail, context);
    });
  },
});

interface Tail {
  readonly id: string;
  readonly runs: FoundRuns;
  readonly follow: boolean;
  readonly fromStart: boolean;
}

const runNotFound = (id: string): Failure =>
  new Failure(
    'run_not_found',
    `no run of this id is known, among the newest 20,000 of the fleet: ${id}; name its machine with --pc`,
    { details: { id } },
  );

/** Prints as it comes. */
async function print({ fleet, tailRuns }: Connected, tail: Tail, { io, tellsEnding }: Context): Promise<string> {
  const { id, runs, follow, fromStart } = tail;
  const gone = new AbortController();
  const signal = AbortSignal.any([io.signal, gone.signal]);
  const isPrefixed = runs.pcs.length !== 1 || runs.order !== undefined;
  const printer = createOutputPrinter({ io, isPrefixed, isBeside: false, id });
  const onEvent = (event: TailEvent): void => {
    if (tellsEnding) printer.print(event);
    else io.stdout(`${JSON.stringify(lineOf(event))}\n`);
    if (io.isUnread?.()) gone.abort(new Error('nobody reads any more'));
  };
  try {
    const standings = await tailRuns(fleet, runs, { follow, fromStart, onEvent, signal });
    if (!follow) checkStandings(id, standings);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  } finally {
    printer.end();
  }
  return '';
}

/** Answers with the end of what was printed. */
async function collect({ fleet, tailRuns }: Connected, { id, runs }: Tail, { io }: Context): Promise<Answer> {
  const told = new Map<string, Record<string, unknown>>();
  const onEvent = (event: TailEvent): void => {
    const run = told.get(event.pc) ?? { pc_id: event.pc };
    told.set(event.pc, run);
    if (event.type === 'output') {
      const { stream, runId, from, to, text } = event;
      const before = run[`${stream}_range`] as readonly number[] | undefined;
      Object.assign(run, { run_id: runId, [stream]: `${run[stream] ?? ''}${text}` });
      run[`${stream}_range`] = [before?.[0] ?? from, to];
    } else if (event.type === 'again') {
      for (const stream of ['stdout', 'stderr'])
        Object.assign(run, { [stream]: undefined, [`${stream}_range`]: undefined });
    } else if (event.type === 'ended') {
      const { runId: run_id, status, exitCode: exit_code, finishedAt: finished_at, kept } = event;
      Object.assign(run, { run_id, status, exit_code, finished_at, kept });
    }
  };
  const standings = await tailRuns(fleet, runs, { follow: false, fromStart: false, onEvent, signal: io.signal });
  checkStandings(id, standings);
  const answered = [...standings].map(([pc, state]) => ({ pc_id: pc, state, ...told.get(pc) }));
  return { type: 'fleet.tail', runs: answered };
}

/** Throws {@link Failure} when there is no run of which something could be told. */
function checkStandings(id: string, standings: Standings): void {
  const all = [...standings.values()];
  if (all.some((state) => state !== 'no_answer' && state !== 'unknown')) return;
  const details = { id, pcs: Object.fromEntries(standings) };
  if (!all.includes('no_answer'))
    throw new Failure('run_not_found', `no machine knows of this run: ${id}`, { details });
  const message = `no agent answered on ${[...standings.keys()].join(', ')}; results of what has ended: kanade fleet results ${id} --output`;
  throw new Failure('no_answer', message, { retryable: true, details });
}

/** An event as a line of JSON. */
function lineOf(event: TailEvent): object {
  const { type, pc: pc_id } = event;
  switch (event.type) {
    case 'output':
    case 'left_out': {
      const { runId: run_id, stream, from, to } = event;
      return { type, pc_id, run_id, stream, from, to, ...(event.type === 'output' ? { text: event.text } : {}) };
    }
    case 'again':
      return { type, pc_id, run_id: event.runId, attempt: event.attempt };
    case 'waiting':
      return { type, pc_id, why: event.why };
    case 'ended': {
      const { runId: run_id, status, exitCode: exit_code, finishedAt: finished_at, kept } = event;
      return { type, pc_id, run_id, status, exit_code, finished_at, kept };
    }
  }
}
