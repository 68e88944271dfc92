/** Waiting for the results of an order, and what is answered of that: the same for whoever ordered just now and whoever takes a wait up. */
import type { FollowEvent, FollowedResult, Order, WaitEvent, WatchedOrder } from '@kanade/fleet';
import { Failure } from '../../../answer/answer.ts';
import { type Answer, type Context, UsageError } from '../../../call/command.ts';
import { type Connected, secondsOption } from '../connect.ts';
import { createOutputPrinter } from '../watch/output-printer.ts';
import { namesOf } from './targets.ts';

/** What a result may take beyond the run's own limit, in ms: the way there, the start, the way back. */
const graceMs = 10_000;

export const waitOptions = {
  until: {
    kind: 'count',
    value: 'SECONDS',
    help: "how long to wait at most (default: the run's own limit, with its retries, its jitter and 10)",
  },
  follow: { kind: 'flag', help: 'show on stderr what the runs print meanwhile' },
  'exit-code': {
    kind: 'optional',
    value: 'true|false',
    values: ['true', 'false'],
    help: 'exit by how it went (default on a terminal): 0 all good, 1 some failed (of one machine its own code), 3 some have not answered',
  },
} as const;

/** Options that only mean something to who waits. Throws {@link UsageError}. */
export function checkWaitOptions(given: {
  until?: number | undefined;
  follow?: boolean | undefined;
  'exit-code'?: boolean | undefined;
}): void {
  if (given.follow) throw new UsageError('option --follow needs --wait');
  if (given.until !== undefined) throw new UsageError('option --until needs --wait');
  if (given['exit-code']) throw new UsageError('option --exit-code needs --wait');
}

export interface Wait {
  /** Names the answer. */
  readonly type: string;
  readonly order: Order;
  /** `--until`. */
  readonly until: number | undefined;
  /** `--follow`. */
  readonly follow: boolean | undefined;
}

/** Waits for the results of an order and answers with them. Throws {@link Failure} `no_result` when none came. */
export async function waitAndAnswer(
  connected: Pick<Connected, 'fleet' | 'awaitResults' | 'watchOrder'>,
  { type, order, until, follow }: Wait,
  { io, onWaiting }: Pick<Context, 'io' | 'onWaiting'>,
): Promise<Answer> {
  const waitMs = secondsOption('until', until) ?? longestMs(order);
  let counts = { answered: 0, expected: order.targets.filter(({ kind }) => kind === 'pc').length, away: 0 };
  onWaiting?.({
    what: `${order.jobId} on ${namesOf(order.targets)}`,
    how: () => `${counts.answered} of ${counts.expected} answered${counts.away > 0 ? `, ${counts.away} away` : ''}`,
  });
  const onEvent = (event: WaitEvent): void => {
    if (event.type === 'counted') counts = event;
    else io.stderr(`${lineOf(event)}\n`);
  };
  const { requestId, targets } = order;
  const { fleet, awaitResults } = connected;
  using output = follow ? showOutput(connected, order, io) : undefined;
  const awaited = await awaitResults(fleet, { requestId, targets, waitMs, onEvent, signal: io.signal }).catch(
    (error: unknown) => {
      if (!io.signal.aborted || error !== io.signal.reason) throw error;
      const message = `${(error as Error).message}; the order goes on: kanade fleet wait ${order.execId}`;
      throw new Failure('interrupted', message, { retryable: true, details: idsOf(order), cause: error });
    },
  );
  const { results, finalizers, missing, machinesUnknown, isLate } = awaited;
  await output?.told(results.map(({ pc_id }) => pc_id));
  const unknown = machinesUnknown === undefined ? {} : { machines_unknown: machinesUnknown };
  const behind = finalizers.map(({ parent_result_id, ...result }) => ({ parent_result_id, ...shownResult(result) }));
  const rest = {
    ...(behind.length > 0 ? { finalizers: behind } : {}),
    ...(missing.length > 0 ? { missing } : {}),
    ...unknown,
  };
  const answered = results.map(shownResult);
  checkOutput(results, { ...idsOf(order), results: answered, ...rest });
  if (results.length > 0) return { ...orderedAnswer(type, order), results: answered, ...rest };
  const who = missing
    .map(({ pc_id, state }) => `; ${pc_id} is ${state === 'unknown' ? 'not heard of' : state}`)
    .join('');
  // Before its time a wait without results ends only when nobody is there who could answer.
  const why = isLate ? `no result came within ${waitMs / 1000} s` : 'no machine that it is for is online';
  const message = `${order.jobId}: ${why}${who}; the order stays with the broker: kanade fleet wait ${order.execId}`;
  throw new Failure('no_result', message, { retryable: true, details: { ...idsOf(order), ...rest } });
}

/** The longest that a result may take to come, in ms. */
function longestMs({ timeoutMs, jitterMs, retry = { max: 0, backoff_secs: 0 } }: Order): number {
  return jitterMs + timeoutMs + retry.max * (retry.backoff_secs * 1000 + timeoutMs) + graceMs;
}

/** Shows on standard error what the runs of an order print. That it cannot be shown is no reason to wait no more. */
function showOutput(
  { fleet, watchOrder }: Pick<Connected, 'fleet' | 'watchOrder'>,
  order: Order,
  io: Context['io'],
): WatchedOrder {
  const isPrefixed = order.targets.length > 1 || order.targets[0]?.kind !== 'pc';
  const printer = createOutputPrinter({ io, isPrefixed, isBeside: true, id: order.execId });
  const watched = watchOrder(fleet, order, {
    onEvent: (event) => {
      if (event.type === 'output' || event.type === 'left_out' || event.type === 'again') printer.print(event);
    },
    onFault: (error) =>
      io.stderr(`what is printed cannot be shown: ${error instanceof Error ? error.message : error}\n`),
    signal: io.signal,
  });
  return {
    told: watched.told,
    [Symbol.dispose]() {
      watched[Symbol.dispose]();
      printer.end();
    },
  };
}

/** Throws {@link Failure} `output_unavailable` when a result speaks of output that could not be had. */
export function checkOutput(results: readonly FollowedResult[], details: Record<string, unknown>): void {
  const missing = results.flatMap(({ pc_id, missingOutput }) =>
    missingOutput.map(({ stream, object, reason }) => `${stream} of ${pc_id} (${object}: ${reason})`),
  );
  if (missing.length === 0) return;
  throw new Failure('output_unavailable', `output could not be fetched: ${missing.join(', ')}`, { details });
}

export const idsOf = ({ execId, requestId, subjects }: Order): Record<string, unknown> => ({
  exec_id: execId,
  request_id: requestId,
  subjects,
});

/** What is answered of an order that nobody waits for. */
export const orderedAnswer = (type: string, order: Order): Answer => ({
  type,
  job_id: order.jobId,
  version: order.version,
  ...idsOf(order),
  deadline_at: order.deadlineAt,
});

/** One result in the answer; a pointer to output shows only where its text could not be had. */
export function shownResult(result: FollowedResult): Record<string, unknown> {
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
    collect_object: result.collect_object,
  };
}

function lineOf(event: Exclude<WaitEvent, { type: 'counted' }>): string {
  switch (event.type) {
    case 'result':
      return lineOfResult(event.result);
    case 'machines_unknown':
      return `who is online cannot be known, so the wait takes its whole time: ${event.error.message}`;
    default:
      return unreadable(event);
  }
}

function lineOfResult({ pc_id, exit_code, skipped, parent_result_id }: FollowedResult): string {
  const which = parent_result_id === undefined ? '' : ' (finalizer)';
  return `${pc_id}${which}: exit code ${exit_code}${skipped ? ', skipped' : ''}`;
}

function unreadable({ sequence, faults }: FollowEvent): string {
  const texts = faults.map(({ path, message }) => `${path} ${message}`.trim());
  return `a result could not be read (message ${sequence} of RESULTS): ${texts.join('; ')}`;
}
