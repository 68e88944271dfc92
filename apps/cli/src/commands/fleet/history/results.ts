import type { FindResultsOptions, FoundResult } from '@kanade/fleet';
import { csvOf } from '../../../answer/csv.ts';
import { type Context, defineCommand, forms, UsageError } from '../../../call/command.ts';
import { type Connected, withFleet } from '../connect.ts';
import { checkOutput } from '../orders/wait-answer.ts';
import { pastOption } from '../times.ts';
import { csvColumns, rowOf, runningRowOf } from './result-row.ts';

const [limitDefault, limitMax] = [20, 10_000];
/** What all output of an answer may have, in bytes. */
const outputBytesMax = 64 * 1_048_576;

/** What runs can have come to. */
const endings = ['exited', 'signaled', 'timed_out', 'killed', 'not_started', 'lost', 'running'];

export const results = defineCommand({
  name: 'results',
  summary: 'look up how runs ended, and which go on: of an order, a job, machines, a time; the newest first',
  usage: '[EXEC_ID|JOB]',
  options: {
    job: { kind: 'text', value: 'JOB', help: 'only those of this job, and of what cleans up after it' },
    pc: { kind: 'texts', value: 'ID[,ID...]', help: 'only those of these machines' },
    since: { kind: 'text', value: 'TIME', help: 'only what the broker got since then: 2h ago, or RFC 3339' },
    until: { kind: 'text', value: 'TIME', help: 'only what it got before then' },
    ending: { kind: 'text', value: 'ENDING[,...]', values: endings, help: `only those: ${endings.join(', ')}` },
    failed: { kind: 'flag', help: 'only those that failed; what was skipped did not' },
    limit: { kind: 'count', value: 'N', help: `how many at most (default: ${limitDefault})` },
    before: { kind: 'count', value: 'SEQUENCE', help: 'go on where an earlier look stopped' },
    output: { kind: 'flag', help: 'with what they printed' },
    csv: { kind: 'flag', help: 'as a table for other programs: RFC 4180, times in UTC' },
  },
  notes: [
    'Results are kept for 30 days. At most the newest 250,000 are looked through in one call; an answer that is not complete says where to go on (--before). Runs that go on are told as far back as results were looked through; --ending running looks for all of them.',
    'Runs that people started at their machines go on beside those of orders: user_sid says whose each is, and "kanade fleet kill RESULT_ID --pc PC_ID" stops it.',
    'In a table (--csv) a text that begins with = + - @ or white space has an apostrophe before it, because spreadsheets would take it for a formula.',
  ],
  examples: [
    'kanade fleet results 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77 --output',
    'kanade fleet results disk-report --since 2h --failed',
    'kanade fleet results --pc pc-042 --ending timed_out,lost',
    'kanade fleet results --ending running',
    'kanade fleet results --job disk-report --since 7d --limit 10000 --csv',
  ],
  async run(options, words, context) {
    const { limit = limitDefault, csv, output } = options;
    const id = idOf(words, options.job);
    if (limit < 1 || limit > limitMax)
      throw new UsageError(`option --limit must be between 1 and ${limitMax}: ${limit}`);
    const form = forms.find((name) => context.given[name] === true);
    if (csv && form) throw new UsageError(`--csv and --${form} exclude each other`);
    const question = { ...questionOf(options), limit, signal: context.io.signal };
    return withFleet(context, async (connected) => {
      const whose = await whoseResults(connected, { id, isJob: options.job !== undefined }, context);
      const found = await connected.findResults(connected.fleet, { ...question, ...whose });
      const running = found.running.map(runningRowOf);
      const { rows, next } = output ? await withOutputs(connected, found.results, context) : bareRows(found.results);
      const more = next ?? found.next;
      if (csv) {
        if (!found.complete || next !== undefined)
          context.io.stderr(`there may be more${more === undefined ? '' : `: --before ${more}`}\n`);
        return csvOf([...csvColumns, ...(output ? ['stdout', 'stderr'] : [])], [...running, ...rows]);
      }
      const complete = found.complete && next === undefined;
      const rest = { ...(more === undefined ? {} : { before: more }), ...unknownOf(found.unknown) };
      return { type: 'fleet.results', results: rows, running, complete, ...rest };
    });
  },
});

const unknownOf = (unknown: readonly string[]) => (unknown.length > 0 ? { unknown } : {});

function idOf([id, extra]: readonly string[], job: string | undefined): string | undefined {
  if (extra !== undefined)
    throw new UsageError(`unexpected word ${JSON.stringify(extra)}: one EXEC_ID or JOB is enough`);
  if (id !== undefined && job !== undefined) throw new UsageError('--job and a word say the same: one is enough');
  return id ?? job;
}

interface Asked {
  readonly pc: readonly string[];
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly ending?: string | undefined;
  readonly failed?: boolean | undefined;
  readonly before?: number | undefined;
}

function questionOf({ pc, since, until, ending, failed, before }: Asked): Omit<FindResultsOptions, 'limit'> {
  const nowMs = Date.now();
  const pcs = [...new Set(pc.flatMap((text) => text.split(',')))];
  if (pcs.includes('')) throw new UsageError('option --pc holds an empty name');
  const [sinceMs, untilMs] = [pastOption('since', since, nowMs), pastOption('until', until, nowMs)];
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs)
    throw new UsageError('--since must be before --until');
  const wanted = ending === undefined ? [] : ending.split(',');
  const odd = wanted.find((name) => !endings.includes(name));
  if (odd !== undefined)
    throw new UsageError(`option --ending knows ${endings.join(', ')}, not ${JSON.stringify(odd.slice(0, 60))}`);
  const ended = wanted.filter((name) => name !== 'running');
  const only = wanted.length > 0 && ended.length === 0;
  // How things stood at another time than now nobody knows.
  const isNow = until === undefined && before === undefined && !failed;
  if (wanted.includes('running') && !isNow)
    throw new UsageError('what runs is known for now alone: no --until, --before or --failed with it');
  const asksRunning = isNow && (ending === undefined || ended.length < wanted.length);
  return {
    ...(pcs.length > 0 ? { pcs } : {}),
    ...{ sinceMs, untilMs, failed, before },
    endings: ended.length > 0 ? ended : undefined,
    running: only ? 'only' : asksRunning ? 'with' : undefined,
  };
}

/** The results of an order, where the id is that of one; else of a job. */
async function whoseResults(
  { fleet, findOrder }: Connected,
  { id, isJob }: { id: string | undefined; isJob: boolean },
  { io }: Context,
): Promise<Pick<FindResultsOptions, 'requestId' | 'execId' | 'jobId'>> {
  if (id === undefined || isJob) return { jobId: id };
  const order = await findOrder(fleet, id, { signal: io.signal }).catch((error: { code?: string }) => {
    // The results themselves say whose they are: who may not look up orders finds the newest of them all the same.
    if (error.code !== 'broker_refused') throw error;
    io.stderr(`the broker does not let this user look up orders: the newest results are searched for ${id}\n`);
    return undefined;
  });
  return order ? { requestId: order.requestId, execId: order.execId } : { jobId: id };
}

type Row = Readonly<Record<string, unknown>>;

const bareRows = (found: readonly FoundResult[]): { rows: readonly Row[]; next?: number } => ({
  rows: found.map(rowOf),
});

/** Rows with what the runs printed, as many as an answer can hold. */
async function withOutputs(
  { fleet, readResult }: Connected,
  found: readonly FoundResult[],
  { io }: Context,
): Promise<{ rows: readonly Row[]; next?: number }> {
  const rows: Row[] = [];
  const read: Parameters<typeof checkOutput>[0][number][] = [];
  let bytes = 0;
  for (const one of found) {
    const result = await readResult(fleet, one.sequence, { signal: io.signal });
    if (!result) continue;
    bytes += Buffer.byteLength(result.stdout) + Buffer.byteLength(result.stderr);
    if (bytes > outputBytesMax && rows.length > 0) {
      const next = Math.max(...found.slice(found.indexOf(one)).map(({ sequence }) => sequence)) + 1;
      io.stderr(`the rest is left out: more than ${outputBytesMax / 1_048_576} MiB of output in one answer\n`);
      return { rows, next };
    }
    const { stdout, stderr, stdout_object, stderr_object } = result;
    read.push({ ...result, stdout: '', stderr: '' });
    const objects = {
      stdout_object: stdout === '' ? stdout_object : undefined,
      stderr_object: stderr === '' ? stderr_object : undefined,
    };
    rows.push({ ...rowOf(one), ...objects, stdout, stderr });
  }
  checkOutput(read, { results: rows });
  return { rows };
}
