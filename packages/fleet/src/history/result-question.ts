/** What somebody asks of the past, and which results answer it. Pure. */
import { type EventStarted, type ExecResult, finalizeOf, syntheticExits, verdictOf } from '@kanade/shared/fleet';

/** Whose results are wanted; all that is given must hold. */
export interface ResultQuestion {
  /** The results of one order: all that the stream has. Without it the newest of the stream are looked through. */
  readonly requestId?: string | undefined;
  /** A job, its after-runs included; or the exec id of an order whose request id nobody knows. */
  readonly jobId?: string | undefined;
  /** One of these machines. */
  readonly pcs?: readonly string[] | undefined;
  /** When the broker got them, in ms: from then on, and before then. */
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  /** One of these endings. */
  readonly endings?: readonly string[] | undefined;
  /** Those that failed; what was skipped did not. */
  readonly failed?: boolean | undefined;
}

/** How a run ended; older agents say it by the code alone, and of some not at all. */
export function resultEndingOf({ ending, exit_code, skipped }: ExecResult): string | undefined {
  if (ending !== undefined) return ending;
  if (skipped || exit_code === syntheticExits.rejected.code) return 'not_started';
  if (exit_code === syntheticExits.outcome_unknown.code) return 'lost';
  return exit_code === syntheticExits.no_exit_code.code ? undefined : 'exited';
}

export function isAnswer(result: ExecResult, question: ResultQuestion): boolean {
  const { endings, failed } = question;
  if (!isOfJob(result, question.jobId) || !isOfMachine(result, question.pcs)) return false;
  if (endings !== undefined && !endings.includes(resultEndingOf(result) ?? '')) return false;
  return !failed || verdictOf(result) === 'failed';
}

/** Whether a run that has begun is one of those whose results are wanted. */
export function isBegun(started: EventStarted, question: ResultQuestion): boolean {
  const { requestId } = question;
  const isOfOrder = requestId === undefined || started.request_id === requestId;
  return isOfOrder && isOfJob(started, question.jobId) && isOfMachine(started, question.pcs);
}

interface OfJob {
  readonly manifest_id?: string | undefined;
  readonly exec_id?: string | null | undefined;
}

const isOfJob = ({ manifest_id, exec_id }: OfJob, jobId: string | undefined): boolean =>
  jobId === undefined || manifest_id === jobId || exec_id === jobId || manifest_id === finalizeOf(jobId);

const isOfMachine = ({ pc_id }: { pc_id: string }, pcs: readonly string[] | undefined): boolean =>
  pcs === undefined || pcs.includes(pc_id);

/**
 * Whether the bytes of a message can be an answer: those that do not hold the word that all answers hold need not be understood. Ids are
 * made of characters that nobody escapes.
 */
export function createSieve({ jobId, pcs }: ResultQuestion): (bytes: Uint8Array) => boolean {
  const word = jobId ?? (pcs?.length === 1 ? pcs[0] : undefined);
  if (word === undefined) return () => true;
  const needle = Buffer.from(word);
  return ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength).includes(needle);
}

/** Rows with each after-run behind the run that it belongs to, where that is among them. */
export function underParents<T>(rows: readonly T[], resultOf: (row: T) => ExecResult): T[] {
  const ids = new Set(rows.map((row) => resultOf(row).result_id));
  const isChild = (row: T): boolean => {
    const { parent_result_id: parent, result_id } = resultOf(row);
    return parent !== undefined && parent !== result_id && ids.has(parent);
  };
  const children = Map.groupBy(rows.filter(isChild), (row) => resultOf(row).parent_result_id);
  const placed = new Set<T>();
  const withChildren = (row: T): T[] => {
    if (placed.has(row)) return [];
    placed.add(row);
    return [row, ...(children.get(resultOf(row).result_id) ?? []).toReversed().flatMap(withChildren)];
  };
  const parents = rows.filter((row) => !isChild(row)).flatMap(withChildren);
  // Rows that name each other as parents are nobody's children.
  return [...parents, ...rows.filter((row) => !placed.has(row))];
}
