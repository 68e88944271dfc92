import type { FollowEvent, FollowedResult, Order } from '@kanade/fleet';
import type { Target } from '@kanade/shared/fleet';
import { Failure } from '../../answer/answer.ts';
import { type Answer, type Context, defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { type Connected, secondsOption, withFleet } from './connect.ts';
import { keyOption, signatureOf, signerFor } from './key/signing.ts';

/** What a result may take beyond the run's own limit, in ms: the way there, the start, the way back. */
const graceMs = 10_000;

export const exec = defineCommand({
  name: 'exec',
  summary: 'order a job on a machine, a group or all machines',
  usage: 'JOB',
  waits: true,
  options: {
    pc: { kind: 'text', value: 'ID', help: 'the machine' },
    group: { kind: 'text', value: 'NAME', help: 'all machines of a group' },
    all: { kind: 'flag', help: 'all machines' },
    wait: {
      kind: 'flag',
      help: 'wait: for the result of --pc, for all machines that are online with --all, else while the time lasts',
    },
    timeout: { kind: 'count', value: 'SECONDS', help: "how long --wait waits (default: the job's own limit and 10)" },
    ...keyOption,
    'exit-code': {
      kind: 'optional',
      value: 'true|false',
      values: ['true', 'false'],
      help: 'exit with the code of the job, 1 when it failed on one of several (default on a terminal)',
    },
  },
  examples: ['kanade fleet exec disk-report --pc pc-042 --wait', 'kanade fleet exec disk-report --group lab'],
  async run(options, words, context) {
    const jobId = oneWord(words, 'JOB');
    const target = targetOf(options);
    const waitMs = secondsOption('timeout', options.timeout);
    if (waitMs !== undefined && !options.wait) throw new UsageError('option --timeout needs --wait');
    if (options['exit-code'] && !options.wait) throw new UsageError('option --exit-code needs --wait');
    const { io } = context;
    const signer = await signerFor(context, options.key);
    return withFleet(context, async (connected) => {
      const ordered = await connected.sendOrder(connected.fleet, { jobId, target, signer, signal: io.signal });
      io.stderr(`ordered ${jobId} ${ordered.version} on ${ordered.subjects.join(', ')}: ${ordered.execId}\n`);
      const signature = signatureOf(ordered, context);
      if (!options.wait) return { ...answerOf(ordered), ...signature };
      const wait = { ordered, target, waitMs: waitMs ?? ordered.timeoutMs + graceMs };
      return { ...(await waitFor(connected, wait, context)), ...signature };
    });
  },
});

function targetOf({ pc, group, all }: { pc?: string; group?: string; all?: boolean }): Target {
  const targets: Target[] = [];
  if (pc !== undefined) targets.push({ kind: 'pc', pc });
  if (group !== undefined) targets.push({ kind: 'group', group });
  if (all) targets.push({ kind: 'all' });
  const [target] = targets;
  if (target && targets.length === 1) return target;
  throw new UsageError(`exactly one of --pc, --group and --all is needed: ${targets.length} given`);
}

/** What waiting needs of a connection. */
type Library = Pick<Connected, 'fleet' | 'followResults' | 'agentsOnline'>;

interface Wait {
  readonly ordered: Order;
  readonly target: Target;
  readonly waitMs: number;
}

/** Waits for results of an order, and answers with those that came. Throws {@link Failure} when none did. */
export async function waitFor(
  connected: Library,
  { ordered, target, waitMs }: Wait,
  { io, onWaiting }: Pick<Context, 'io' | 'onWaiting'>,
): Promise<Answer> {
  const { fleet, followResults } = connected;
  const limit = AbortSignal.timeout(waitMs);
  const enough = new AbortController();
  const signal = AbortSignal.any([io.signal, limit, enough.signal]);
  const results: FollowedResult[] = [];
  const online = target.kind === 'all' ? listenFor(connected, signal, () => stopIfAllAnswered()) : undefined;
  const stopIfAllAnswered = (): void => {
    if (results.length > 0 && online?.unanswered(results)?.length === 0) enough.abort();
  };
  const onEvent = (event: FollowEvent): void => io.stderr(`${describe(event)}\n`);
  onWaiting?.({ what: `${ordered.jobId} on ${nameOf(target)}`, how: () => `${results.length} answered` });
  try {
    for await (const result of followResults(fleet, { requestId: ordered.requestId, onEvent, signal })) {
      results.push(result);
      io.stderr(`${result.pc_id}: exit code ${result.exit_code}${result.skipped ? ', skipped' : ''}\n`);
      if (target.kind === 'pc') break;
      stopIfAllAnswered();
    }
  } catch (error) {
    // The end of the time is the ordinary end for a group; what arrived is the answer.
    if (error !== signal.reason || io.signal.aborted) throw error;
  }
  const unanswered = online?.unanswered(results) ?? [];
  const missing = results.flatMap(missingOf);
  const answered = results.map(resultOf);
  if (missing.length > 0) {
    throw new Failure('output_unavailable', `output could not be fetched: ${missing.join(', ')}`, {
      details: { ...idsOf(ordered), results: answered },
    });
  }
  const silent = unanswered.length > 0 ? { unanswered } : {};
  if (results.length > 0) return { ...answerOf(ordered), results: answered, ...silent };
  throw new Failure(
    'no_result',
    `no result of ${ordered.jobId} came within ${waitMs / 1000} s; the order stays with the broker`,
    { details: idsOf(ordered) },
  );
}

/** Machines that are online while an order to all of them is waited for. */
interface Online {
  /** Those that have not answered; undefined while the listening goes on and not all can be known. */
  unanswered(results: readonly FollowedResult[]): string[] | undefined;
}

/** Listens for as long as agents take to say that they are there, then calls `onKnown`. A failure leaves the order to its time. */
function listenFor({ fleet, agentsOnline }: Library, signal: AbortSignal, onKnown: () => void): Online {
  let known: readonly string[] | undefined;
  const listening = agentsOnline(fleet, { signal }).then(({ agents }) => {
    known = agents.map(({ pc_id }) => pc_id);
    onKnown();
  });
  listening.catch(() => undefined);
  return {
    unanswered: (results) => known?.filter((pc) => !results.some(({ pc_id }) => pc_id === pc)),
  };
}

const nameOf = (target: Target): string =>
  target.kind === 'pc' ? target.pc : target.kind === 'group' ? `group ${target.group}` : 'all machines';

const idsOf = ({ execId, requestId, subjects }: Order): Record<string, unknown> => ({
  exec_id: execId,
  request_id: requestId,
  subjects,
});

const answerOf = (ordered: Order): Answer => ({
  type: 'fleet.exec',
  job_id: ordered.jobId,
  version: ordered.version,
  ...idsOf(ordered),
});

const missingOf = ({ pc_id, missingOutput }: FollowedResult): string[] =>
  missingOutput.map(({ stream, object, reason }) => `${stream} of ${pc_id} (${object}: ${reason})`);

/** One result in the answer; a pointer to output shows only where its text could not be had. */
function resultOf(result: FollowedResult): Record<string, unknown> {
  const { pc_id, exit_code, skipped, ending, stdout, stderr, started_at, finished_at } = result;
  return {
    pc_id,
    exit_code,
    skipped,
    ending,
    stdout,
    stderr,
    started_at,
    finished_at,
    stdout_object: stdout === '' ? result.stdout_object : undefined,
    stderr_object: stderr === '' ? result.stderr_object : undefined,
  };
}

function describe({ sequence, faults }: FollowEvent): string {
  const texts = faults.map(({ path, message }) => `${path} ${message}`.trim());
  return `a result could not be read (message ${sequence} of RESULTS): ${texts.join('; ')}`;
}
