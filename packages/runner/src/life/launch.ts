/** From a definition to a running job. */
import { closeSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, JobError } from '../job-error.ts';
import type { ProcessIdentity } from '../process/identity.ts';
import { recordRoom, spawnTree } from '../process/spawn.ts';
import { isOpenAnywhere, treeVariable } from '../process/tree.ts';
import {
  isNoRoom,
  makeDirectories,
  openForAppending,
  pretty,
  replaceFileIfRoom,
  replaceState,
  takeClaim,
  writeFirstState,
  writeNewFile,
} from '../record/files.ts';
import {
  type JobDir,
  type JobPaths,
  limits,
  type MetaFile,
  pathOf,
  pathsOf,
  readMasked,
  readMeta,
  readState,
  type StateFile,
} from '../record/layout.ts';
import { makeJobDir, noteLaunch } from '../record/root.ts';
import { createdState, failedState, launchMsMax, runningState } from './decide-ending.ts';
import { checkJobDefinition, type JobDefinition, storedOf, workloadOf } from './definition.ts';
import { readRecord } from './settle.ts';

/** A job whose shim runs. `ended` resolves when the ending is on disk; it holds the event loop until `release`. */
export interface LaunchedJob {
  readonly job: JobDir;
  readonly meta: MetaFile;
  /** Its shim; undefined where the system does not tell. */
  readonly identity: ProcessIdentity | undefined;
  /** As it stood when it was started. */
  readonly state: StateFile;
  readonly ended: Promise<void>;
  release(): void;
}

/** A job that is defined and was not started. */
export interface CreatedJob {
  readonly job: JobDir;
  readonly meta: MetaFile;
  readonly state: StateFile;
}

/**
 * Writes a definition; starts nothing. Throws `stdin_too_large` before anything is written; whatever else fails leaves no
 * directory behind.
 */
export function createJob(root: string, definition: JobDefinition): CreatedJob {
  let state: StateFile | undefined;
  const { job, meta } = makeJob(root, definition, (made) => {
    state = createdState(made, Date.now());
    writeFirstState(made, state);
    makeEmptyLogs(made);
  });
  return { job, meta, state: state ?? createdState(job, Date.now()) };
}

interface MadeJob {
  readonly job: JobDir;
  readonly meta: MetaFile;
  readonly paths: JobPaths;
}

function makeJob(root: string, definition: JobDefinition, complete: (job: JobDir) => void = () => undefined): MadeJob {
  checkJobDefinition(definition);
  const { stdin, stdinBytesMax = limits.stdinBytes } = definition;
  if (stdin && stdin.length > stdinBytesMax) {
    throw new JobError('stdin_too_large', `input is ${stdin.length} bytes: the limit is ${stdinBytesMax}`);
  }
  if (definition.fullLog) prepareFullLog(definition.fullLog);
  const job = makeJobDirOrSay(root);
  try {
    const { meta, hidden } = storedOf(definition, job.id, root, Date.now());
    const paths = pathsOf(job);
    if (definition.stdin) writeNewFile(paths.stdin, definition.stdin);
    if (hidden.length > 0) writeNewFile(paths.masked, pretty(hidden));
    writeNewFile(paths.meta, pretty(meta));
    complete(job);
    return { job, meta, paths };
  } catch (error) {
    rmSync(job.path, { recursive: true, force: true });
    throw cannotMake(root, error);
  }
}

function makeJobDirOrSay(root: string): JobDir {
  try {
    return makeJobDir(root);
  } catch (error) {
    throw cannotMake(root, error);
  }
}

/** What the system says against a new job, as an error of ours. */
function cannotMake(root: string, cause: unknown): unknown {
  if (cause instanceof JobError || errnoOf(cause) === undefined) return cause;
  return new JobError('io_error', `could not make a job in ${root}: ${(cause as Error).message}`, { cause });
}

function prepareFullLog(path: string): void {
  try {
    makeDirectories(dirname(path));
    closeSync(openForAppending(path));
    truncateSync(path);
  } catch (cause) {
    throw new JobError('launch_failed', `could not write the combined log ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** The logs of a job that has printed nothing yet. */
export function makeEmptyLogs(job: JobDir): void {
  for (const file of ['stdout', 'stderr', 'full'] as const) closeSync(openForAppending(pathOf(job, file)));
}

/**
 * Starts a created job. `env` is the launcher's environment, or the whole one of a job that has waited for its turn; `known` is what its creator wrote just now. Throws `invalid_state` when it was started before and
 * `launch_failed` when the system cannot start it; the job is then `failed` with the reason in its state.
 */
export function startJob(
  job: JobDir,
  env: Readonly<Record<string, string | undefined>>,
  known: Partial<CreatedJob> = {},
): LaunchedJob {
  const { meta = readMeta(job), state = readState(job) } = known;
  if (!meta || !state)
    throw new JobError('invalid_state', `job ${job.id} cannot be started: its meta.json or state.json is damaged`);
  if (state.job.status !== 'created') {
    throw new JobError('invalid_state', `job ${job.id} cannot be started: it is ${state.job.status}, not created`);
  }
  // Whoever looks in between writes it from the record, and then knows more than we do.
  const made = { job, meta, paths: pathsOf(job) };
  return launchMade(made, { env, writeState: (running) => replaceState(job, running, state) });
}

/**
 * Makes and starts a job in one go, with fewer files than the one after the other: its first state says that it runs.
 * `full.log` is the last file that it makes: until that is there, `settle` takes a missing state for a launch that is
 * under way, or that was cut off.
 */
export function launchJob(
  root: string,
  definition: JobDefinition,
  env: Readonly<Record<string, string | undefined>>,
): LaunchedJob {
  const made = makeJob(root, definition);
  try {
    return launchMade(made, { env, writeState: (running) => writeFirstState(made.job, running) });
  } finally {
    unlessNoRoom(() => closeSync(openForAppending(made.paths.full)));
  }
}

/** For what can be done without once the workload runs: the record tells the next who looks as much. */
function unlessNoRoom(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isNoRoom(error)) throw error;
  }
}

interface Launching {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly writeState: (state: StateFile) => unknown;
}

function launchMade({ job, meta, paths }: MadeJob, { env, writeState }: Launching): LaunchedJob {
  const fds: number[] = [];
  const keep = (fd: number): number => {
    fds.push(fd);
    return fd;
  };
  try {
    const recordFd = keep(claimRecord(job, paths.record));
    writeSync(recordFd, recordRoom);
    const { argv, cwd, environment } = workloadOf(meta, env, () => (meta.mask ? readMasked(job) : []));
    // Before its processes exist: a keeper that counts a deadline from the record would else end it "before" its time.
    const startedAtMs = Date.now();
    const spawned = spawnTree({
      argv,
      cwd,
      env: { ...environment, [treeVariable]: job.id },
      stdinFd: meta.stdin_file ? keep(openSync(paths.stdin, 'r')) : null,
      stdoutFd: keep(openForAppending(paths.stdout)),
      stderrFd: keep(openForAppending(paths.stderr)),
      recordFd,
    });
    const state = runningState(job, { ...spawned, startedAtMs });
    unlessNoRoom(() => writeState(state));
    unlessNoRoom(() => noteLaunch(job, startedAtMs, meta.cwd ?? ''));
    return { job, meta, state, identity: spawned.identity, ended: spawned.ended, release: spawned.release };
  } catch (cause) {
    if (cause instanceof JobError && cause.code === 'invalid_state') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    // Where the disk has no room for that either, the job stays as it was and may be started again.
    if (!replaceFileIfRoom(paths.state, pretty(failedState(job, reason)))) removeRecord(paths.record);
    throw new JobError('launch_failed', `could not start job ${job.id}: ${reason}`, {
      cause,
      details: { job_id: job.id },
    });
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function removeRecord(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    if (!isNoRoom(error)) throw error; // a read-only disk: nothing was written to it either
  }
}

/** Exclusive: of two concurrent starts of one job, one gets the record and launches. Throws `invalid_state` for the other. */
export function claimRecord(job: JobDir, path: string): number {
  try {
    return makeRecord(path);
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST') throw cause;
    const fd = claimAbandoned(job, path);
    if (fd !== undefined) return fd;
    throw new JobError('invalid_state', `job ${job.id} cannot be started: another launch of it has begun`, { cause });
  }
}

const makeRecord = (path: string): number => openSync(path, 'ax', 0o600);

/**
 * The record of a launch whose launcher was killed before it had started anything: no pid stands in it, it is older than any
 * launch takes, and no process could write one any more.
 */
function claimAbandoned(job: JobDir, path: string): number | undefined {
  using lock = takeClaim(`${job.path}/.start.lock`);
  const writtenAtMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  if (!lock || readRecord(job).kind !== 'empty' || Math.abs(Date.now() - writtenAtMs) <= launchMsMax) return undefined;
  if (isOpenAnywhere(path)) return undefined;
  rmSync(path, { force: true });
  return makeRecord(path);
}
