/** The one way out: from what became of a run to its ending and its result, on disk in one commit. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OutboxError } from '@kanade/outbox';
import {
  type EventStarted,
  type ExecResult,
  objectStores,
  outputKey,
  resultInlineBytesMax,
  timeoutSecsMax,
} from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { Aftermath, Outcome, Printed, Refusal, Run, RunEnd, Upload } from '../run/model.ts';
import type { Arrival, Entry, Ledger } from '../store/ledger.ts';
import { cutToBytes } from './cut-to-bytes.ts';
import { endOf, withAftermath, withNotes, withoutOutput } from './end-of.ts';

/** What comes of a run besides how it ended. */
interface Made {
  readonly aftermath?: Aftermath | undefined;
  /** Runs that begin in the commit of its end. */
  readonly next?: readonly Run[];
}

export interface Report {
  /** Resolves with the end when it is on disk with its result; a disk that is full now is tried again until it is not. */
  end(run: Run, outcome: Outcome, made?: Made): Promise<RunEnd>;
  /** The processes of a run exist. A start that cannot be recorded is logged: the ending will be. */
  started(run: Run, startedAtMs: number): void;
  /** Answers an order that is never run, unless its request id is known. Throws what the ledger throws. */
  refuse(run: Run, arrival: Arrival, refusal: Refusal): Entry;
  /** True while endings cannot be recorded: what is taken now could not be reported either. */
  isBehind(): boolean;
}

export interface ReportOptions {
  readonly ledger: Pick<Ledger, 'running' | 'ended' | 'refuse'>;
  readonly log: Logger;
  /** Fires when the agent ends: `end` rejects then, and the next agent finds the run open. */
  readonly signal: AbortSignal;
}

export function createReport(options: ReportOptions): Report {
  const { ledger, log, signal } = options;
  let behind = 0;
  /** Starts that are not written down yet, by run: most end so soon that one commit takes both. */
  const unwritten = new Map<string, NodeJS.Timeout>();
  return {
    async end(run, outcome, { aftermath, next = [] } = {}) {
      const end = { ...withAftermath(endOf(run, outcome, Date.now()), aftermath), next };
      clearTimeout(unwritten.get(run.runId));
      const started = unwritten.delete(run.runId) ? startedOf(run, end.startedAtMs) : undefined;
      if (isLong(end.stdout) || isLong(end.stderr)) await flush(outcome, log);
      if (!tryRecord(options, run, end, { started })) {
        behind++;
        try {
          do await sleep(limits.commitRetryMs, undefined, { signal });
          while (!tryRecord(options, run, end, { started, isAgain: true }));
        } finally {
          behind--;
        }
      }
      const { ending, exitCode: exit_code, skipped } = end;
      log.info({ run_id: run.runId, manifest_id: run.command.id, ending, exit_code, skipped }, 'run ended');
      return end;
    },
    started(run, startedAtMs) {
      const write = (): void => {
        unwritten.delete(run.runId);
        if (signal.aborted) return; // the next agent finds it running
        try {
          ledger.running(run.runId, startedAtMs, startedOf(run, startedAtMs));
        } catch (error) {
          log.error({ err: error, run_id: run.runId }, 'the start of a run could not be recorded; its ending will be');
        }
      };
      if (run.origin === 'local') write();
      else unwritten.set(run.runId, setTimeout(write, limits.startedWaitMs));
    },
    refuse(run, arrival, refusal) {
      const end = endOf(run, { kind: 'refused', refusal }, Date.now());
      return ledger.refuse(run, arrival, { end, result: resultOf(run, end) });
    },
    isBehind: () => behind > 0,
  };
}

/** Whether output stays in its files. */
const isLong = ({ text, isWhole }: Printed): boolean => !isWhole || !fitsMessage(text);

/** What stays in its files is as safe as what stands in the commit. */
async function flush(outcome: Outcome, log: Logger): Promise<void> {
  if (outcome.kind !== 'job') return;
  await outcome.flush?.().catch((error: unknown) => {
    log.warn({ err: error, job_id: outcome.jobId }, 'output could not be flushed to the disk; a power cut may take it');
  });
}

/**
 * Ending and result are one commit. An outbox over its budget takes the result without what was printed. What is tried again is in the
 * log already: a night without room must not fill it.
 */
function tryRecord(
  { ledger, log }: ReportOptions,
  run: Run,
  whole: RunEnd,
  { started, isAgain = false }: { started: EventStarted | undefined; isAgain?: boolean },
): boolean {
  const level = isAgain ? 'debug' : 'error';
  for (const isCut of [false, true]) {
    try {
      const end = isCut ? withoutOutput(whole) : whole;
      ledger.ended(run, end, { ...toldOf(run, end), started: isCut ? undefined : started });
      return true;
    } catch (error) {
      log[level]({ err: error, run_id: run.runId }, 'the ending of a run could not be recorded; trying again');
      if (!(error instanceof OutboxError && error.code === 'over_budget')) return false;
    }
  }
  return false;
}

/** Lines of ours on stderr, as operators read them: those on the runs of people have a mark, by which their tools find them. */
function toldNotes({ origin, command }: Run, { note, notes: own }: RunEnd): string[] {
  const notes = own.map((line) => (line === note && origin === 'local' ? `[KLP] ${line}` : line));
  if (command.timeout_secs >= timeoutSecsMax)
    notes.push(`[kanade] timeout_secs is above ${timeoutSecsMax} and counts as that`);
  return notes;
}

/** Whether a stream of a result may stand in its message. What counts is the length on the wire: control characters take six bytes each. */
export function fitsMessage(text: string): boolean {
  if (text.length * 6 <= resultInlineBytesMax) return true;
  return Math.max(Buffer.byteLength(text), Buffer.byteLength(JSON.stringify(text)) / 1.5) <= resultInlineBytesMax;
}

/** As much of a text as a message carries in any case. */
export const shortened = (text: string, why: string): string =>
  `${cutToBytes(text, resultInlineBytesMax / 4)}\n[kanade] output truncated: ${why}\n`;

/** What one stream is in a result: text, or an object that is made of the files of its job. */
function carried(run: Run, end: RunEnd, stream: 'stdout' | 'stderr'): { text: string; upload?: Upload } {
  const { text, isWhole, bytes } = end[stream];
  const notes = stream === 'stderr' ? toldNotes(run, end) : [];
  const whole = isWhole ? withNotes(text, notes) : undefined;
  if (whole !== undefined && fitsMessage(whole)) return { text: whole };
  if (end.jobId === undefined || bytes === 0) return { text: shortened(whole ?? text, 'it is too long for a message') };
  const source = { kind: 'output', jobId: end.jobId, stream, bytes, notes } as const;
  return { text: '', upload: { store: objectStores.resultOutput, key: outputKey(run.runId, stream), source } };
}

const instant = (ms: number): string => new Date(ms).toISOString();

/** The result of a run as it goes to the fleet, and what goes there before it. Runs that people started have no `exec_id`. */
export function toldOf(run: Run, end: RunEnd): { result: ExecResult; uploads: Upload[] } {
  const [stdout, stderr] = [carried(run, end, 'stdout'), carried(run, end, 'stderr')];
  const result: ExecResult = {
    result_id: run.runId,
    request_id: run.requestId,
    ...(run.execId === null ? {} : { exec_id: run.execId }),
    ...(run.parentId === undefined ? {} : { parent_result_id: run.parentId }),
    pc_id: run.pcId,
    exit_code: end.exitCode,
    skipped: end.skipped,
    stdout: stdout.text,
    stderr: stderr.text,
    ...(stdout.upload && { stdout_object: stdout.upload.key }),
    ...(stderr.upload && { stderr_object: stderr.upload.key }),
    started_at: instant(end.startedAtMs),
    finished_at: instant(end.endedAtMs),
    manifest_id: run.command.id,
    ...(end.collectObject === undefined ? {} : { collect_object: end.collectObject }),
    ending: end.ending.kind,
    ...(end.stop ? { stop_report: end.stop } : {}),
  };
  const uploads = [...(end.uploads ?? []), stdout.upload, stderr.upload].filter((upload) => upload !== undefined);
  return { result, uploads };
}

/** The result alone, of a run whose output is short. */
export const resultOf = (run: Run, end: RunEnd): ExecResult => toldOf(run, end).result;

/** The event that a run has begun, one for all that belongs to it. A person's run has no order: it is called, and stopped, by its own id. */
export function startedOf(run: Run, startedAtMs: number): EventStarted | undefined {
  if (run.parentId !== undefined) return undefined;
  return {
    result_id: run.runId,
    request_id: run.requestId,
    exec_id: run.execId ?? run.runId,
    pc_id: run.pcId,
    started_at: instant(startedAtMs),
    manifest_id: run.command.id,
    version: run.command.version,
    ...(run.execId === null && run.owner !== null ? { user_sid: run.owner } : {}),
  };
}
