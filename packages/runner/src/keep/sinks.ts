/**
 * Notifications: what is told, to whom, and what became of it. Run by the keeper, never in the way of a job's output; a
 * sink that fails or hangs changes nothing about the job.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceFile } from '@kanade/durable/files';
import { schemaVersion, wholeSecond } from '@kanade/shared/job-words';
import { defaultWrapper } from '../life/definition.ts';
import type { JobView } from '../life/settle.ts';
import { runSink } from '../process/spawn.ts';
import { makeDirectories, openForAppending, pretty } from '../record/files.ts';
import {
  type JobDir,
  type LogStream,
  limits,
  type MetaFile,
  pathOf,
  readMeta,
  readSmallFile,
} from '../record/layout.ts';

/** What became of one sink. */
export interface SinkResult {
  readonly sink_type: 'command' | 'file';
  readonly target: string;
  readonly success: boolean;
  readonly error?: string;
  readonly attempted_at: string;
}

interface Sinks {
  readonly command?: string;
  readonly file?: string;
}

/**
 * Tells the completion sinks that a job has ended, once: the file with the results says that it has been done. It lies in `job`; the sinks
 * are told the path of the job of the view.
 */
export async function notifyCompletion(job: JobDir, meta: MetaFile, view: JobView): Promise<void> {
  const { notify_command: command, notify_file: file } = meta.notification ?? {};
  if (!view.state || (command ?? file) === undefined) return;
  if (wasDelivered(job)) return;
  const event = completionEvent(meta, view);
  replaceFile(pathOf(job, 'completion'), pretty({ ...event, delivery_results: [] }));
  const results = await deliver(job, meta, {
    event,
    eventPath: pathOf(view.job, 'completion'),
    sinks: { command, file },
  });
  replaceFile(pathOf(job, 'completion'), pretty({ ...event, delivery_results: results }));
}

function wasDelivered(job: JobDir): boolean {
  const text = readSmallFile(pathOf(job, 'completion'));
  if (text === undefined) return false;
  try {
    return (JSON.parse(text) as { delivery_results?: unknown[] }).delivery_results?.length !== 0;
  } catch {
    return false;
  }
}

function completionEvent(meta: MetaFile, { job, state, status }: JobView): Record<string, unknown> {
  const result = state?.result;
  return {
    schema_version: schemaVersion,
    event_type: 'job.finished',
    job_id: job.id,
    state: status,
    command: meta.command,
    ...(meta.cwd ? { cwd: meta.cwd } : {}),
    started_at: state?.job.started_at ?? meta.created_at,
    finished_at: state?.finished_at ?? wholeSecond(Date.now()),
    ...(typeof result?.duration_ms === 'number' ? { duration_ms: result.duration_ms } : {}),
    ...(typeof result?.exit_code === 'number' ? { exit_code: result.exit_code } : {}),
    ...(result?.signal ? { signal: result.signal } : {}),
    stdout_log_path: pathOf(job, 'stdout'),
    stderr_log_path: pathOf(job, 'stderr'),
    ...(state?.ending ? { ending: state.ending.kind } : {}),
  };
}

/** A line that matches, and the job as its sinks know it. */
export interface MatchedLine {
  readonly named: JobDir;
  readonly stream: LogStream;
  readonly line: string;
}

/** Tells the match sinks about one line, and appends event and results to the record of matches in `job`. */
export async function notifyMatch(job: JobDir, { named, stream, line }: MatchedLine): Promise<void> {
  const meta = readMeta(job);
  const match = meta?.notification?.on_output_match;
  if (!meta || !match) return;
  const event = {
    schema_version: schemaVersion,
    event_type: 'job.output.matched',
    job_id: job.id,
    pattern: match.pattern,
    match_type: match.match_type,
    stream,
    line,
    stdout_log_path: pathOf(named, 'stdout'),
    stderr_log_path: pathOf(named, 'stderr'),
  };
  const sinks = { command: match.command, file: match.file };
  const results = await deliver(job, meta, { event, eventPath: pathOf(named, 'matches'), sinks });
  const fd = openForAppending(pathOf(job, 'matches'));
  try {
    writeFileSync(fd, `${JSON.stringify({ ...event, delivery_results: results })}\n`);
  } finally {
    closeSync(fd);
  }
}

interface Told {
  readonly event: Record<string, unknown>;
  readonly eventPath: string;
  readonly sinks: Sinks;
}

async function deliver(job: JobDir, meta: MetaFile, { event, eventPath, sinks }: Told): Promise<SinkResult[]> {
  const text = JSON.stringify(event);
  const results: SinkResult[] = [];
  const attempt = async (
    sink_type: SinkResult['sink_type'],
    target: string,
    run: () => Promise<string | undefined>,
  ): Promise<void> => {
    const attempted_at = wholeSecond(Date.now());
    const error = await run();
    results.push({
      sink_type,
      target,
      success: error === undefined,
      ...(error === undefined ? {} : { error }),
      attempted_at,
    });
  };
  const { command, file } = sinks;
  if (command !== undefined) {
    const env = {
      ...process.env,
      AGENT_EXEC_EVENT_PATH: eventPath,
      AGENT_EXEC_JOB_ID: job.id,
      AGENT_EXEC_EVENT_TYPE: String(event.event_type),
    };
    const argv = [...(meta.shell_wrapper?.length ? meta.shell_wrapper : defaultWrapper), command];
    await attempt('command', command, async () =>
      command.trim() === ''
        ? 'empty shell command'
        : runSink({ argv, cwd: meta.cwd ?? '/', env, input: text, timeoutMs: limits.sinkMs }),
    );
  }
  if (file !== undefined) await attempt('file', file, async () => appendEvent(file, text));
  return results;
}

function appendEvent(file: string, text: string): string | undefined {
  try {
    makeDirectories(dirname(file));
  } catch (error) {
    return `create parent dir: ${(error as Error).message}`;
  }
  let fd: number;
  try {
    fd = openSync(file, 'a', 0o600);
  } catch (error) {
    return `open error: ${(error as Error).message}`;
  }
  try {
    writeFileSync(fd, `${text}\n`);
    return undefined;
  } catch (error) {
    return `write error: ${(error as Error).message}`;
  } finally {
    closeSync(fd);
  }
}
