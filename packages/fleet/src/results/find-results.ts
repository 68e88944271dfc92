import { createReader, ExecResult, resultSubject, streams } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import { readHeld } from '../stream/read-held.ts';
import { readNewest } from '../stream/read-newest.ts';
import { readValue } from '../stream/read-value.ts';
import { type FollowedResult, withOutput } from './follow-results.ts';

/** Whose results are wanted; all that is given must hold. */
export interface FindResultsOptions {
  /** The results of one order: all that the stream has. Without it the newest of the stream are looked through. */
  readonly requestId?: string | undefined;
  /** A job, or the exec id of an order whose request id nobody knows. */
  readonly jobId?: string | undefined;
  readonly pc?: string | undefined;
  /** How many are wanted. */
  readonly limit: number;
  /** Fetch output that is too long for a message; without it `stdout` and `stderr` are left empty. */
  readonly withOutput: boolean;
  readonly searchMessagesMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FoundResults {
  /** The newest first. */
  readonly results: readonly FollowedResult[];
  /** False when there may be more. */
  readonly complete: boolean;
}

/** Looks results up in the stream that keeps them for 30 days. Throws FleetError. */
export async function findResults(fleet: Fleet, options: FindResultsOptions): Promise<FoundResults> {
  const { signal } = options;
  try {
    const { found, complete } = await search(fleet, options);
    const results: FollowedResult[] = [];
    for (const result of found) {
      results.push(
        options.withOutput ? await abortable(withOutput(fleet, result), signal) : { ...result, missingOutput: [] },
      );
    }
    return { results, complete };
  } catch (error) {
    throw translate(error, 'looking for results', signal);
  }
}

async function search(
  fleet: Fleet,
  options: FindResultsOptions,
): Promise<{ found: readonly ExecResult[]; complete: boolean }> {
  const { requestId, jobId, pc, limit, searchMessagesMax, signal } = options;
  const readResult = createReader(ExecResult);
  const read = (message: { json(): unknown }): ExecResult | undefined => {
    const value = readValue(message, readResult);
    const isOfJob = jobId === undefined || value?.manifest_id === jobId || value?.exec_id === jobId;
    const isMeant = isOfJob && (pc === undefined || value?.pc_id === pc);
    if (!value || !isMeant) return undefined;
    // What is not shown need not be kept.
    return options.withOutput ? value : { ...value, stdout: '', stderr: '' };
  };
  if (requestId === undefined) {
    return readNewest(fleet, { stream: streams.results, limit, searchMessagesMax, read, signal });
  }
  const found: ExecResult[] = [];
  const request = { stream: streams.results, filter: resultSubject(requestId), from: 1, signal };
  let count = 0;
  for await (const message of readHeld(fleet, request)) {
    const result = read(message);
    if (!result) continue;
    count++;
    found.push(result);
    if (found.length > limit) found.shift();
  }
  return { found: found.reverse(), complete: count <= limit };
}
