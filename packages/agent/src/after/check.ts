/** check: how the machine is, by what the script printed. It never changes how the run ended. */
import { type CheckHint, CheckStatus, checkDefaults } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';
import { cutToBytes } from '../report/cut-to-bytes.ts';
import { endedAt } from '../report/end-of.ts';
import type { JobOutcome } from '../run/model.ts';
import type { CheckResults } from '../store/check-results.ts';
import type { EndedRun, Step } from './after.ts';
import { blocksOf, fieldOf } from './block.ts';

/** How a check came out. */
export interface Verdict {
  readonly status: CheckStatus;
  readonly detail?: string;
}

/** Keeps how the check came out, for the person at the machine and for jobs that are shown by it. */
export function createCheckStep(results: Pick<CheckResults, 'put'>): Step {
  return {
    name: 'check',
    needsSuccess: false,
    async take({ run, outcome, signal }) {
      const hint = run.command.check as CheckHint;
      const nowMs = Date.now();
      const kept = results.put({
        hint,
        verdict: await verdictOf(hint, { outcome, signal }),
        jobId: run.command.id,
        atMs: endedAt(outcome, outcome.startedAtMs ?? nowMs, nowMs),
      });
      return kept
        ? {}
        : { notes: [`[kanade] check not kept: this machine has ${limits.checksMax} checks, the most that it keeps`] };
    },
  };
}

/** An exit other than 0 says nothing of the machine: the check could not look. */
async function verdictOf(hint: CheckHint, { outcome, signal }: Pick<EndedRun, 'outcome' | 'signal'>): Promise<Verdict> {
  const failure = failureOf(outcome);
  if (failure !== undefined) return unknown(failure);
  const [block] = await blocksOf(outcome, 'CHECK', { blocksMax: 1, signal });
  if (!block || 'fault' in block) return unknown(block?.fault ?? 'nothing was printed');
  return readVerdict(hint, block.fields);
}

/** The status and the detail of a check from the fields that it names. */
export function readVerdict(hint: CheckHint, fields: Readonly<Record<string, unknown>>): Verdict {
  const { status_field = checkDefaults.status_field, detail_field = checkDefaults.detail_field } = hint;
  const given = fieldOf(fields, status_field);
  const status = CheckStatus.safeParse(given);
  if (!status.success) {
    const is = given === undefined ? 'is missing' : 'is none of ok, warn, fail, unknown';
    return unknown(`field ${status_field} ${is}`);
  }
  const detail = fieldOf(fields, detail_field);
  const isText = typeof detail === 'string' || typeof detail === 'number' || typeof detail === 'boolean';
  return isText && detail !== '' ? { status: status.data, detail: cutDetail(String(detail)) } : { status: status.data };
}

const unknown = (why: string): Verdict => ({ status: 'unknown', detail: cutDetail(why) });

/** Why the script did not get to its answer; undefined when it exited with 0. */
function failureOf({ state, read }: JobOutcome): string | undefined {
  const ending = state?.ending;
  if (ending?.kind === 'exited' && ending.exitCode === 0) return undefined;
  const how = ending?.kind === 'exited' ? `exit code ${ending.exitCode}` : (ending?.kind ?? 'lost').replace('_', ' ');
  try {
    const { totalBytes } = read('stderr', 0, 1);
    const { text } = read(
      'stderr',
      Math.max(0, totalBytes - limits.checkDetailBytesMax / 2),
      limits.checkDetailBytesMax,
    );
    return text.trim() === '' ? how : `${how}: ${text.trim()}`;
  } catch {
    return how; // what was printed cannot be read: how it ended is known all the same
  }
}

const cutMark = ' …[cut]';

/** Up to `checkDetailBytesMax` bytes; less of a text that takes more as JSON, such as one of control characters. */
export function cutDetail(text: string): string {
  let bytesMax: number = limits.checkDetailBytesMax;
  let cut = cutToBytes(text.slice(0, bytesMax), bytesMax);
  while (Buffer.byteLength(JSON.stringify(cut)) > limits.checkDetailBytesMax * 1.5) {
    bytesMax = Math.floor(bytesMax / 2);
    cut = cutToBytes(cut, bytesMax);
  }
  return cut.length === text.length ? text : `${cut}${cutMark}`;
}
