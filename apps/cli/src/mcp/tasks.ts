/**
 * Jobs as tasks, for clients of both eras. The job is the task, its id the id of the task: nothing is kept here, so whichever server is asked
 * answers alike, also after all that had to do with its beginning are gone.
 */
import { type JobDescription, JobError, type Jobs } from '@kanade/runner';
import { isTerminal } from '@kanade/shared/job-words';
import {
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
  RELATED_TASK_META_KEY,
} from '@modelcontextprotocol/server';
import { envelopeOf } from '../answer/answer.ts';
import { sizeOf } from '../answer/ink.ts';
import { answerKill } from '../door/kill.ts';
import { answerWait } from '../door/wait.ts';
import { toolResultOf } from './answers.ts';
import type { ToolCall } from './tools.ts';

/** Name of the extension by which clients of 2026-07-28 say that they know tasks. */
export const tasksExtension = 'io.modelcontextprotocol/tasks';

/** How often a client is told to ask, in ms: a tenth of the age of the job, within these. */
const pollMs = { min: 500, max: 10_000 } as const;

/** Tasks of one page of a list. */
const pageSize = 50;

/** A task as both eras know it; times of life and asking have other names in each. */
interface JobTask {
  readonly taskId: string;
  readonly status: 'working' | 'completed' | 'cancelled';
  readonly statusMessage: string;
  readonly createdAt: string;
  readonly lastUpdatedAt: string;
  readonly pollMs: number;
}

/** Throws the error of the protocol for an id that is none, or only the beginning of one. */
function findTask(jobs: Jobs, id: unknown): JobDescription {
  const unknown = (): never => {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, `no task has the id ${JSON.stringify(id)?.slice(0, 200)}`);
  };
  if (typeof id !== 'string') return unknown();
  try {
    const view = jobs.describe(jobs.find(id));
    return view.job.id === id && view.meta ? view : unknown();
  } catch (error) {
    if (error instanceof JobError) return unknown();
    throw error;
  }
}

function taskOf({ job, status, state, meta, logBytes }: JobDescription): JobTask {
  const createdAt = meta?.created_at ?? new Date(0).toISOString();
  const hasEnded = isTerminal(status) || status === 'unknown';
  const { exit_code: exitCode } = state?.result ?? {};
  const ending = state?.ending?.kind ?? status;
  const how = typeof exitCode === 'number' ? `${ending} with ${exitCode}` : ending;
  const ageMs = Date.now() - Date.parse(createdAt);
  return {
    taskId: job.id,
    status: hasEnded ? (state?.ending?.kind === 'killed' ? 'cancelled' : 'completed') : 'working',
    statusMessage: `${hasEnded ? how : status}, ${sizeOf(logBytes)} printed`,
    createdAt,
    lastUpdatedAt: state?.updated_at ?? createdAt,
    pollMs: Math.min(pollMs.max, Math.max(pollMs.min, Math.round(ageMs / 10))),
  };
}

/** Kept as long as the job is: nobody promises for how long that is. */
const modernOf = ({ pollMs: pollIntervalMs, ...task }: JobTask) => ({ ...task, ttlMs: null, pollIntervalMs });
const legacyOf = ({ pollMs: pollInterval, ...task }: JobTask) => ({ ...task, ttl: null, pollInterval });

/** The result of a call that a task stands for: how the job stands. */
async function endingOf(jobs: Jobs, id: string): Promise<CallToolResult> {
  return toolResultOf(envelopeOf(await answerWait(jobs, id, { until: 0, tellsEnding: true })));
}

/** Ends the job, and everything it started. */
async function cancel(jobs: Jobs, { job, status }: JobDescription): Promise<void> {
  if (isTerminal(status)) return;
  try {
    await answerKill(jobs, job.id);
  } catch (error) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, (error as Error).message);
  }
}

/** What 2026-07-28 asks of tasks. */
export const modernTasks = {
  /** Instead of the result of a call whose job goes on. */
  handle: (jobs: Jobs, id: string) => ({ resultType: 'task', ...modernOf(taskOf(findTask(jobs, id))) }),
  async get(jobs: Jobs, id: unknown) {
    const task = taskOf(findTask(jobs, id));
    return {
      ...modernOf(task),
      ...(task.status === 'completed'
        ? { result: { resultType: 'complete', ...(await endingOf(jobs, task.taskId)) } }
        : {}),
    };
  },
  /** No job asks for anything: there is nothing to answer. */
  update: (jobs: Jobs, id: unknown): Record<string, never> => {
    findTask(jobs, id);
    return {};
  },
  async cancel(jobs: Jobs, id: unknown): Promise<Record<string, never>> {
    await cancel(jobs, findTask(jobs, id));
    return {};
  },
};

/** What 2025-11-25 asks of tasks. */
export const legacyTasks = {
  handle: (jobs: Jobs, id: string) => ({ task: legacyOf(taskOf(findTask(jobs, id))) }),
  get: (jobs: Jobs, id: unknown) => legacyOf(taskOf(findTask(jobs, id))),
  /** Waits for the end. Rejects with the signal's reason on abort. */
  async result(jobs: Jobs, id: unknown, { signal, turn }: Pick<ToolCall, 'signal' | 'turn'>): Promise<CallToolResult> {
    const { job } = findTask(jobs, id);
    await jobs.wait(job, { signal });
    await turn();
    return { ...(await endingOf(jobs, job.id)), _meta: { [RELATED_TASK_META_KEY]: { taskId: job.id } } };
  },
  /** Newest first. A cursor is the number of tasks that were listed before. */
  list(jobs: Jobs, cursor: unknown = '0') {
    const from = typeof cursor === 'string' && /^\d{1,6}$/.test(cursor) ? Number(cursor) : Number.NaN;
    if (Number.isNaN(from)) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'the cursor is none of this list');
    const { jobs: listed, truncated } = jobs.list({ limit: from + pageSize });
    const tasks = listed.slice(from).map(({ view }) => legacyOf(taskOf(jobs.describe(view.job))));
    return { tasks, ...(truncated ? { nextCursor: String(from + pageSize) } : {}) };
  },
  async cancel(jobs: Jobs, id: unknown) {
    const found = findTask(jobs, id);
    if (taskOf(found).status !== 'working')
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `task ${found.job.id} has ended: nothing to cancel`);
    await cancel(jobs, found);
    return legacyOf(taskOf(findTask(jobs, found.job.id)));
  },
};
