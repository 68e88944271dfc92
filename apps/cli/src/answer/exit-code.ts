/** Exit codes by how jobs ended, for `--exit-code`, and by whether a line matched. Loaded on demand. */
import { isTerminal, type JobState } from '@kanade/shared/job-words';
import type { Document } from './answer.ts';

/** What `timeout` says of a command that took too long. */
const timedOutCode = 124;

/** No code of the job: it could not start, was lost, or has not ended yet. */
const noEndingCode = 125;

/** What a shell adds to the number of the signal that ended a program. */
const signalBase = 128;

/** Machines that have not answered an order, or a job that ended without the line; nothing of what came was bad. */
const missingCode = 3;

/**
 * The exit code for an answer: the job's own, 128 and the number of its signal, 124 after its timeout, 125 for a job without an
 * ending of its own. Of an order 0 when all machines ended well, 1 when one did not (the job's own code where only one machine
 * was meant), 3 when some have not answered. Of a wait for a line 0 when one matched, 3 when the job ended without, 124 when the time was
 * over. 0 for an answer about no ending, 1 for an error. Pure.
 */
export function exitCodeOf(answer: Document): number {
  const { results, state, missing = [], error } = answer;
  if (!answer.ok) return (error as { code?: unknown } | undefined)?.code === 'no_result' ? missingCode : 1;
  if (answer.matched !== undefined) return codeOfMatch(answer);
  if (Array.isArray(results)) return codeOfResults(results, (missing as readonly unknown[]).length);
  if (typeof state !== 'string') return 0;
  const { ending, exit_code: code, signal_number: signal } = answer;
  if (ending === 'timed_out') return timedOutCode;
  if (typeof code === 'number') return code;
  return typeof signal === 'number' ? signalBase + signal : noEndingCode;
}

/** Of one machine its own code, where an exit code can be that. */
function codeOfResults(results: readonly { readonly exit_code: number }[], missingCount: number): number {
  const [only] = results;
  if (only && results.length === 1 && missingCount === 0)
    return only.exit_code >= 0 && only.exit_code <= 255 ? only.exit_code : 1;
  if (results.some(({ exit_code }) => exit_code !== 0)) return 1;
  return missingCount > 0 ? missingCode : 0;
}

const codeOfMatch = ({ matched, state }: Document): number =>
  matched !== null ? 0 : isTerminal(state as JobState) ? missingCode : timedOutCode;
