/** Exit codes by how jobs ended, for `--exit-code`. Loaded on demand. */
import type { Document } from './answer.ts';

/** What `timeout` says of a command that took too long. */
const timedOutCode = 124;

/** No code of the job: it could not start, was lost, or has not ended yet. */
const noEndingCode = 125;

/** What a shell adds to the number of the signal that ended a program. */
const signalBase = 128;

/**
 * The exit code for an answer: the job's own, 128 and the number of its signal, 124 after its timeout, 125 for a job without an
 * ending of its own. Of several machines 0 when all ended well, else 1; 0 for an answer about no ending. Pure.
 */
export function exitCodeOf(answer: Document): number {
  const { results, state } = answer;
  if (Array.isArray(results)) return codeOfResults(results as { exit_code: number }[]);
  if (typeof state !== 'string') return 0;
  const { ending, exit_code: code, signal_number: signal } = answer;
  if (ending === 'timed_out') return timedOutCode;
  if (typeof code === 'number') return code;
  return typeof signal === 'number' ? signalBase + signal : noEndingCode;
}

/** Of one machine its own code, where an exit code can be that. */
function codeOfResults(results: readonly { readonly exit_code: number }[]): number {
  const [only] = results;
  if (only && results.length === 1) return only.exit_code >= 0 && only.exit_code <= 255 ? only.exit_code : 1;
  return results.every(({ exit_code }) => exit_code === 0) ? 0 : 1;
}
