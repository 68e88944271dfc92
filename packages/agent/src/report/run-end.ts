import type { JobView } from '@kanade/runner';
import { syntheticExits } from '@kanade/shared/fleet';
import type { Ending } from '@kanade/shared/job';
import type { RunStatus } from '@kanade/shared/local';
import type { Refusal } from '../intake/gates.ts';
import type { Stopper } from '../run/registry.ts';
import type { Run } from '../run/run.ts';

/** How one run ended, in the words of every door. */
export interface RunEnd {
  readonly ending: Ending;
  readonly status: RunStatus;
  readonly exitCode: number;
  /** True only for a policy skip; a failure to start is none. */
  readonly skipped: boolean;
  readonly stdout: string;
  readonly stderr: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** The end of a run that a gate refused. */
export function endOfRefusal({ gate, message }: Refusal, nowMs: number): RunEnd {
  const { code, skipped } = syntheticExits[gate];
  return {
    ending: { kind: 'not_started', reason: message },
    status: 'failed',
    exitCode: code,
    skipped,
    stdout: '',
    stderr: `${message}\n`,
    startedAtMs: nowMs,
    endedAtMs: nowMs,
  };
}

/** The end of a run that was stopped before its processes existed. */
export function endBeforeLaunch(run: Run, by: Stopper, nowMs: number): RunEnd {
  return {
    ending: { kind: 'killed', by },
    status: 'killed',
    exitCode: syntheticExits.no_exit_code.code,
    skipped: false,
    stdout: '',
    stderr: `${killNote(run, by)} before it was started\n`,
    startedAtMs: nowMs,
    endedAtMs: nowMs,
  };
}

/** The end of a run from its settled job and what it printed. */
export function endOfJob(
  run: Run,
  view: Pick<JobView, 'state'>,
  output: { readonly stdout: string; readonly stderr: string; readonly nowMs: number },
): RunEnd {
  const { state } = view;
  const ending: Ending = state?.ending ?? { kind: 'lost', reason: 'its record cannot be read' };
  const startedAtMs = state?.started_at_ms ?? output.nowMs;
  const note = noteOf(run, ending);
  return {
    ending,
    status: statusOf(ending),
    exitCode: exitCodeOf(ending),
    skipped: false,
    stdout: output.stdout,
    stderr: note === undefined ? output.stderr : `${lineEnded(output.stderr)}${note}\n`,
    startedAtMs,
    endedAtMs: endedAt(state, startedAtMs) ?? output.nowMs,
  };
}

/** To the millisecond where the duration is known, else to the second. */
function endedAt(state: JobView['state'], startedAtMs: number): number | undefined {
  const { result, finished_at } = state ?? {};
  if (result && result.duration_ms !== null) return startedAtMs + result.duration_ms;
  return finished_at === undefined ? undefined : Math.max(startedAtMs, Date.parse(finished_at));
}

function exitCodeOf(ending: Ending): number {
  if (ending.kind === 'exited') return ending.exitCode;
  return ending.kind === 'lost' ? syntheticExits.outcome_unknown.code : syntheticExits.no_exit_code.code;
}

function statusOf(ending: Ending): RunStatus {
  if (ending.kind === 'killed') return 'killed';
  return ending.kind === 'exited' && ending.exitCode === 0 ? 'completed' : 'failed';
}

/** What people read at the end of stderr when no exit code tells the story. */
function noteOf(run: Run, ending: Ending): string | undefined {
  switch (ending.kind) {
    case 'exited':
      return undefined;
    case 'signaled':
      return `[agent: ended by signal ${ending.signal}]`;
    case 'timed_out':
      return `timeout after ${Math.max(1, run.command.timeout_secs)}s`;
    case 'killed':
      return killNote(run, ending.by);
    case 'not_started':
      return `not started: ${ending.reason}`;
    case 'lost':
      return `agent restarted during execution; outcome unknown: ${ending.reason}`;
  }
}

function killNote({ execId }: Run, by: 'user' | 'operator' | 'shutdown'): string {
  return by === 'operator' ? `killed by remote signal (kill.${execId})` : `killed by ${by}`;
}

const lineEnded = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
