/** From a definition to a running job. */
import { closeSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createControlGroup } from '../process/control-group.ts';
import { spawnTree } from '../process/spawn.ts';
import { argvOf, environmentOf, type JobDefinition, metaOf } from './definition.ts';
import { findProgram } from './find-program.ts';
import { errnoOf, JobError } from './job-error.ts';
import { type JobDir, limits, pathOf } from './layout.ts';
import { type MetaFile, readMeta, readState } from './record.ts';
import { pretty, replaceFile } from './replace-file.ts';
import { createdState, failedState, runningState } from './state-record.ts';
import { makeJobDir } from './store.ts';

/** A job whose shim runs. `ended` resolves when the ending is on disk; it holds the event loop until `release`. */
export interface LaunchedJob {
  readonly job: JobDir;
  readonly meta: MetaFile;
  readonly ended: Promise<void>;
  release(): void;
}

/** Writes a definition; starts nothing. Throws `stdin_too_large` before anything is written. */
export function createJob(root: string, definition: JobDefinition): { job: JobDir; meta: MetaFile } {
  if (definition.stdin && definition.stdin.length > limits.stdinBytes) {
    throw new JobError(
      'stdin_too_large',
      `input is ${definition.stdin.length} bytes: the limit is ${limits.stdinBytes}`,
    );
  }
  const nowMs = Date.now();
  if (definition.fullLog) prepareFullLog(definition.fullLog);
  const job = makeJobDir(root);
  const meta = metaOf(definition, job.id, root, nowMs);
  if (definition.stdin) writeFileSync(pathOf(job, 'stdin'), definition.stdin, { mode: 0o600 });
  replaceFile(pathOf(job, 'meta'), pretty(meta));
  writeCreated(job, nowMs);
  return { job, meta };
}

function prepareFullLog(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '', { mode: 0o600 });
  } catch (cause) {
    throw new JobError('launch_failed', `could not write the combined log ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Empty logs, and the state of a job that has not begun. */
export function writeCreated(job: JobDir, nowMs: number): void {
  for (const file of ['stdout', 'stderr', 'full'] as const) closeSync(openSync(pathOf(job, file), 'a', 0o600));
  replaceFile(pathOf(job, 'state'), pretty(createdState(job, nowMs)));
}

/**
 * Starts a created job. `env` is the launcher's environment. Throws `invalid_state` when it was started before and
 * `launch_failed` when the system cannot start it; the job is then `failed` with the reason in its state.
 */
export function startJob(job: JobDir, env: Readonly<Record<string, string | undefined>>): LaunchedJob {
  const meta = readMeta(job);
  const state = readState(job);
  if (!meta || !state)
    throw new JobError('invalid_state', `job ${job.id} cannot be started: its meta.json or state.json is damaged`);
  if (state.job.status !== 'created') {
    throw new JobError('invalid_state', `job ${job.id} cannot be started: it is ${state.job.status}, not created`);
  }
  return launchCreated(job, meta, env);
}

/** Makes and starts a job in one go. */
export function launchJob(
  root: string,
  definition: JobDefinition,
  env: Readonly<Record<string, string | undefined>>,
): LaunchedJob {
  const { job, meta } = createJob(root, definition);
  return launchCreated(job, meta, env);
}

function launchCreated(job: JobDir, meta: MetaFile, env: Readonly<Record<string, string | undefined>>): LaunchedJob {
  const fds: number[] = [];
  const open = (path: string, flags: string): number => {
    const fd = openSync(path, flags, 0o600);
    fds.push(fd);
    return fd;
  };
  try {
    // Exclusive: of two concurrent starts of one job, one gets the record and launches.
    const recordFd = claimRecord(job, open);
    const cwd = meta.cwd ?? '/';
    if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory())
      throw new Error(`working directory ${cwd} does not exist`);
    const environment = environmentOf(meta, env);
    const argv = argvOf(meta);
    if (!findProgram(argv[0] ?? '', environment.PATH, cwd)) throw new Error(`program ${argv[0]} was not found`);
    const controlGroup = createControlGroup(job.id);
    const spawned = spawnTree({
      argv,
      cwd,
      env: environment,
      stdinFd: meta.stdin_file ? open(pathOf(job, 'stdin'), 'r') : null,
      stdoutFd: open(pathOf(job, 'stdout'), 'a'),
      stderrFd: open(pathOf(job, 'stderr'), 'a'),
      recordFd,
      ...(controlGroup ? { controlGroup } : {}),
    });
    replaceFile(pathOf(job, 'state'), pretty(runningState(job, spawned.pid, { controlGroup })));
    return { job, meta, ended: spawned.ended, release: spawned.release };
  } catch (cause) {
    if (cause instanceof JobError && cause.code === 'invalid_state') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    replaceFile(pathOf(job, 'state'), pretty(failedState(job, reason)));
    throw new JobError('launch_failed', `could not start job ${job.id}: ${reason}`, {
      cause,
      details: { job_id: job.id },
    });
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function claimRecord(job: JobDir, open: (path: string, flags: string) => number): number {
  try {
    return open(pathOf(job, 'record'), 'ax');
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST') throw cause;
    throw new JobError('invalid_state', `job ${job.id} cannot be started: another launch of it has begun`, { cause });
  }
}
