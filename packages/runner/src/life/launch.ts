/** From a definition to a running job. */
import { closeSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf, JobError } from '../job-error.ts';
import { identityOfChild } from '../process/identity.ts';
import { activeSessionUser, environmentOfUser, type SessionUser, wordsAsUser } from '../process/session-user.ts';
import { findProgram, recordRoom, spawnTree } from '../process/spawn.ts';
import { isOpenAnywhere, treeVariable } from '../process/tree.ts';
import {
  isNoRoom,
  makeDirectories,
  openForAppending,
  pretty,
  replaceFileIfRoom,
  replaceState,
  takeClaim,
  writeNewFile,
} from '../record/files.ts';
import { type JobDir, limits, pathOf } from '../record/layout.ts';
import {
  createdState,
  failedState,
  type MetaFile,
  readMasked,
  readMeta,
  readState,
  runningState,
} from '../record/records.ts';
import { makeJobDir, noteLaunch } from '../record/root.ts';
import { launchMsMax } from './decide-ending.ts';
import { argvOf, environmentOf, hiddenPairs, type JobDefinition, metaOf } from './definition.ts';
import { readRecord } from './facts.ts';

/** A job whose shim runs. `ended` resolves when the ending is on disk; it holds the event loop until `release`. */
export interface LaunchedJob {
  readonly job: JobDir;
  readonly meta: MetaFile;
  readonly ended: Promise<void>;
  release(): void;
}

/**
 * Writes a definition; starts nothing. Throws `stdin_too_large` before anything is written; whatever else fails leaves no
 * directory behind.
 */
export function createJob(root: string, definition: JobDefinition): { job: JobDir; meta: MetaFile } {
  return makeJob(root, definition, (job) => {
    writeNewFile(pathOf(job, 'state'), pretty(createdState(job, Date.now())));
    makeEmptyLogs(job);
  });
}

interface MadeJob {
  readonly job: JobDir;
  readonly meta: MetaFile;
}

function makeJob(root: string, definition: JobDefinition, complete: (job: JobDir) => void = () => undefined): MadeJob {
  const { stdin, stdinBytesMax = limits.stdinBytes } = definition;
  if (stdin && stdin.length > stdinBytesMax) {
    throw new JobError('stdin_too_large', `input is ${stdin.length} bytes: the limit is ${stdinBytesMax}`);
  }
  if (definition.fullLog) prepareFullLog(definition.fullLog);
  const job = makeJobDirOrSay(root);
  try {
    const meta = metaOf(definition, job.id, root, Date.now());
    if (definition.stdin) writeNewFile(pathOf(job, 'stdin'), definition.stdin);
    const hidden = hiddenPairs(definition);
    if (hidden.length > 0) writeNewFile(pathOf(job, 'masked'), pretty(hidden));
    writeNewFile(pathOf(job, 'meta'), pretty(meta));
    complete(job);
    return { job, meta };
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
  const isStillCreated = (): boolean => readState(job)?.job.status === 'created';
  // Whoever looks in between writes it from the record, and then knows more than we do.
  return launchMade(job, meta, { env, writeState: (path, content) => replaceState(path, content, isStillCreated) });
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
  const { job, meta } = makeJob(root, definition);
  try {
    return launchMade(job, meta, { env, writeState: writeFirstState });
  } finally {
    unlessNoRoom(() => closeSync(openForAppending(pathOf(job, 'full'))));
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

/** Whoever looked in between may have written it from the record, and then knows more than we do. */
function writeFirstState(path: string, content: string): void {
  try {
    writeNewFile(path, content);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return;
    rmSync(path, { force: true }); // half a state would be damage
    throw error;
  }
}

interface Launching {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly writeState: (path: string, content: string) => unknown;
}

function launchMade(job: JobDir, meta: MetaFile, { env, writeState }: Launching): LaunchedJob {
  const fds: number[] = [];
  const keep = (fd: number): number => {
    fds.push(fd);
    return fd;
  };
  try {
    const recordFd = keep(claimRecord(job));
    writeSync(recordFd, recordRoom);
    const { argv, cwd, environment } = workloadOf(meta, env, meta.mask ? readMasked(job) : []);
    // Before its processes exist: a keeper that counts a deadline from the record would else end it "before" its time.
    const startedAtMs = Date.now();
    const spawned = spawnTree({
      argv,
      cwd,
      env: { ...environment, [treeVariable]: job.id },
      stdinFd: meta.stdin_file ? keep(openSync(pathOf(job, 'stdin'), 'r')) : null,
      stdoutFd: keep(openForAppending(pathOf(job, 'stdout'))),
      stderrFd: keep(openForAppending(pathOf(job, 'stderr'))),
      recordFd,
    });
    const state = runningState(job, {
      pid: spawned.pid,
      identity: identityOfChild(spawned.pid),
      startedAtMs,
    });
    unlessNoRoom(() => writeState(pathOf(job, 'state'), pretty(state)));
    unlessNoRoom(() => noteLaunch(job, state.started_at_ms ?? 0, meta.cwd ?? ''));
    return { job, meta, ended: spawned.ended, release: spawned.release };
  } catch (cause) {
    if (cause instanceof JobError && cause.code === 'invalid_state') throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    // Where the disk has no room for that either, the job stays as it was and may be started again.
    if (!replaceFileIfRoom(pathOf(job, 'state'), pretty(failedState(job, reason)))) removeRecord(job);
    throw new JobError('launch_failed', `could not start job ${job.id}: ${reason}`, {
      cause,
      details: { job_id: job.id },
    });
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

interface Workload {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What is executed, where and with what. Throws the reason for which it cannot be. */
function workloadOf(
  meta: MetaFile,
  launcher: Readonly<Record<string, string | undefined>>,
  masked: readonly string[],
): Workload {
  const user = meta.run_as === undefined ? undefined : loggedIn(meta.run_as);
  const environment = environmentOf(meta, user ? environmentOfUser(user) : launcher, masked);
  const cwd = homeExpanded(meta.cwd ?? '/', environment.HOME);
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`working directory ${cwd} does not exist`);
  const argv = argvOf(meta);
  const program = argv[0] ?? '';
  // The shell of the default wrapper is everywhere and not looked for.
  if (program !== 'sh' && !findProgram(program, environment.PATH, cwd))
    throw new Error(`program ${program} was not found`);
  return { argv: user && user.uid !== process.getuid?.() ? wordsAsUser(user, argv) : argv, cwd, environment };
}

function loggedIn(runAs: string): SessionUser {
  if (runAs !== 'session-user')
    throw new Error(`run_as ${JSON.stringify(runAs)} is unknown: session-user is all there is`);
  const user = activeSessionUser();
  if (!user)
    throw new Error('nobody is logged in at this machine: a job of the person there needs an active local session');
  if (process.getuid?.() !== 0 && process.getuid?.() !== user.uid)
    throw new Error(`only root can start a job as ${user.name}, who is logged in at this machine`);
  return user;
}

const homeExpanded = (path: string, home: string | undefined): string =>
  path === '~' || path.startsWith('~/') ? `${home ?? ''}${path.slice(1)}` : path;

function removeRecord(job: JobDir): void {
  try {
    rmSync(pathOf(job, 'record'), { force: true });
  } catch (error) {
    if (!isNoRoom(error)) throw error; // a read-only disk: nothing was written to it either
  }
}

/** Exclusive: of two concurrent starts of one job, one gets the record and launches. */
function claimRecord(job: JobDir): number {
  try {
    return makeRecord(job);
  } catch (cause) {
    if (errnoOf(cause) !== 'EEXIST') throw cause;
    const fd = claimAbandoned(job);
    if (fd !== undefined) return fd;
    throw new JobError('invalid_state', `job ${job.id} cannot be started: another launch of it has begun`, { cause });
  }
}

const makeRecord = (job: JobDir): number => openSync(pathOf(job, 'record'), 'ax', 0o600);

/**
 * The record of a launch whose launcher was killed before it had started anything: no pid stands in it, it is older than any
 * launch takes, and no process could write one any more.
 */
function claimAbandoned(job: JobDir): number | undefined {
  using lock = takeClaim(`${job.path}/.start.lock`);
  const path = pathOf(job, 'record');
  const writtenAtMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
  if (!lock || readRecord(job).kind !== 'empty' || Date.now() - writtenAtMs <= launchMsMax) return undefined;
  if (isOpenAnywhere(path)) return undefined;
  rmSync(path, { force: true });
  return makeRecord(job);
}
