import {
  type Fleet,
  type FollowEvent,
  type FollowedResult,
  followResults,
  type Order,
  exec as order,
} from '@kanade/fleet';
import type { Target } from '@kanade/shared/fleet';
import { UsageError } from '../../call/arguments.ts';
import type { Answer } from '../../call/command.ts';
import { defineFleetCommand } from '../../fleet/command.ts';
import type { Io } from '../../io.ts';
import { Failure } from './failure.ts';
import { oneWord, secondsOption } from './words.ts';

/** What a result may take beyond the run's own limit, in ms: the way there, the start, the way back. */
const graceMs = 10_000;

export const exec = defineFleetCommand({
  name: 'exec',
  summary: 'order a job on a machine, a group or all machines',
  usage: 'JOB',
  options: {
    pc: { kind: 'text', value: 'ID', help: 'the machine' },
    group: { kind: 'text', value: 'NAME', help: 'all machines of a group' },
    all: { kind: 'flag', help: 'all machines' },
    wait: { kind: 'flag', help: 'wait: for the result of --pc, else for all that come while the time lasts' },
    timeout: { kind: 'count', value: 'SECONDS', help: "how long --wait waits (default: the job's own limit and 10)" },
  },
  examples: ['kanade fleet exec disk-report --pc pc-042 --wait', 'kanade fleet exec disk-report --group lab'],
  plan(options, words) {
    const jobId = oneWord(words, 'JOB');
    const target = targetOf(options);
    const waitMs = secondsOption('timeout', options.timeout);
    if (waitMs !== undefined && !options.wait) throw new UsageError('option --timeout needs --wait');
    return ({ io, withFleet }) =>
      withFleet(async (fleet) => {
        const ordered = await order(fleet, { jobId, target, signal: io.signal });
        io.stderr(`ordered ${jobId} ${ordered.version} on ${ordered.subjects.join(', ')}: ${ordered.execId}\n`);
        if (!options.wait) return answerOf(ordered);
        return waitFor(fleet, { ordered, io, target, waitMs: waitMs ?? ordered.timeoutMs + graceMs });
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

interface Wait {
  readonly ordered: Order;
  readonly target: Target;
  readonly waitMs: number;
  readonly io: Io;
}

async function waitFor(fleet: Fleet, { ordered, target, waitMs, io }: Wait): Promise<Answer> {
  const limit = AbortSignal.timeout(waitMs);
  const signal = AbortSignal.any([io.signal, limit]);
  const results: FollowedResult[] = [];
  const onEvent = (event: FollowEvent): void => io.stderr(`${describe(event)}\n`);
  try {
    for await (const result of followResults(fleet, { requestId: ordered.requestId, onEvent, signal })) {
      results.push(result);
      io.stderr(`${result.pc_id}: exit code ${result.exit_code}${result.skipped ? ', skipped' : ''}\n`);
      if (target.kind === 'pc') break;
    }
  } catch (error) {
    // The end of the time is the ordinary end for a group; what arrived is the answer.
    if (!limit.aborted || error !== signal.reason || io.signal.aborted) throw error;
  }
  const missing = results.flatMap(missingOf);
  const answered = results.map(resultOf);
  if (missing.length > 0) {
    throw new Failure('output_unavailable', `output could not be fetched: ${missing.join(', ')}`, {
      details: { ...idsOf(ordered), results: answered },
    });
  }
  if (results.length > 0) return { ...answerOf(ordered), results: answered };
  throw new Failure(
    'no_result',
    `no result of ${ordered.jobId} came within ${waitMs / 1000} s; the order stays with the broker`,
    {
      details: idsOf(ordered),
    },
  );
}

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
