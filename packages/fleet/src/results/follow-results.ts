import {
  createReader,
  ExecResult,
  type Fault,
  objectStores,
  type Read,
  resultSubject,
  streams,
} from '@kanade/shared/fleet';
import type { JsMsg } from '@nats-io/jetstream';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import { type ObjectRead, readObjectBytes } from '../objects/read-object.ts';
import { followStream } from '../stream/follow-stream.ts';

/** Largest output of one stream that is fetched from the object store, in bytes. */
export const outputBytesMaxDefault = 16 * 1_048_576;

/** What happened on the way that is no result. */
export interface FollowEvent {
  readonly type: 'result_unreadable';
  readonly sequence: number;
  readonly faults: readonly Fault[];
}

/** Output that a result speaks of and that could not be fetched, and why. */
export type MissingOutput = Omit<Extract<ObjectRead, { ok: false }>, 'ok'> & {
  readonly stream: 'stdout' | 'stderr';
  readonly object: string;
};

/** A result with its output. Whoever shows one looks at `missingOutput` first: an empty text may be no empty output. */
export type FollowedResult = ExecResult & { readonly missingOutput: readonly MissingOutput[] };

export interface FollowResultsOptions {
  readonly requestId: string;
  /** Default {@link outputBytesMaxDefault}. */
  readonly outputBytesMax?: number;
  onEvent?(event: FollowEvent): void;
  readonly signal?: AbortSignal;
}

/**
 * The results of one order, those that arrived before this call first, then each as it comes, until the signal aborts
 * (then it throws the signal's reason) or the caller breaks off. Output that was too long for a message is fetched into
 * `stdout` and `stderr`; where it cannot be had the text is empty and `missingOutput` of the result says why. Each
 * result comes once, also when a machine delivered it twice. Throws FleetError `no_topology` when there is no stream.
 */
export async function* followResults(
  fleet: Fleet,
  options: FollowResultsOptions,
): AsyncGenerator<FollowedResult, void> {
  const { requestId, signal } = options;
  checkId('a request id', requestId);
  const doing = `following the results of ${requestId}`;
  const readResult = createReader(ExecResult);
  const seen = new Set<string>();
  try {
    const filter = resultSubject(requestId);
    for await (const message of followStream(fleet, { stream: streams.results, filter, from: 1, signal })) {
      const result = take(message, readResult, options);
      if (!result || seen.has(keyOf(result))) continue;
      seen.add(keyOf(result));
      yield await abortable(withOutput(fleet, result, options.outputBytesMax), signal);
    }
  } catch (error) {
    throw translate(error, doing, signal);
  }
}

/** Agents older than result ids leave it empty: one result for each machine then. */
const keyOf = (result: ExecResult): string => result.result_id || `${result.request_id}|${result.pc_id}`;

function take(
  message: JsMsg,
  readResult: (value: unknown) => Read<ExecResult>,
  { onEvent }: FollowResultsOptions,
): ExecResult | undefined {
  const unreadable = (faults: readonly Fault[]): undefined => {
    onEvent?.({ type: 'result_unreadable', sequence: message.seq, faults });
  };
  let value: unknown;
  try {
    value = message.json();
  } catch (error) {
    return unreadable([{ path: '', message: `not JSON: ${error instanceof Error ? error.message : error}` }]);
  }
  const read = readResult(value);
  return read.ok ? read.value : unreadable(read.faults);
}

/** A result with the output that it only points to. */
export async function withOutput(
  fleet: Fleet,
  result: ExecResult,
  bytesMax: number = outputBytesMaxDefault,
): Promise<FollowedResult> {
  const missingOutput: MissingOutput[] = [];
  const textOf = async (stream: 'stdout' | 'stderr'): Promise<string> => {
    const object = result[`${stream}_object`];
    if (!object) return result[stream];
    const place = { store: objectStores.resultOutput, name: object, bytesMax };
    const read = await readObjectBytes(fleet.connection, place);
    if (read.ok) return read.bytes.toString('utf8');
    const { ok, ...missing } = read;
    missingOutput.push({ stream, object, ...missing });
    return '';
  };
  const stdout = await textOf('stdout');
  const stderr = await textOf('stderr');
  return { ...result, stdout, stderr, missingOutput };
}
