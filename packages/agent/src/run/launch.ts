/** From a run to its processes and back: what is started where, as whom, and what it left behind. */
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, resolve } from 'node:path';
import type { JobDefinition, JobDir, Jobs, JobView, Launched, StopReport } from '@kanade/runner';
import {
  activeSessionUser,
  environmentOfUser,
  findProgram,
  identify,
  planShell,
  processName,
  type SessionUser,
  type ShellPlan,
} from '@kanade/runner/process';
import { type Command, type StopSummary, survivorsMax, timeoutSeconds } from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { Ledger } from '../store/ledger.ts';
import { adopt } from './adopt.ts';
import {
  type JobOutcome,
  type LiveRun,
  notStarted,
  type OpenRun,
  type Outcome,
  type ReadOutput,
  type Refusal,
  type Run,
  type Running,
} from './model.ts';

export interface LauncherOptions {
  readonly jobs: Jobs;
  readonly ledger: Pick<Ledger, 'launching' | 'launchingAgain' | 'notLaunched'>;
  /** The processes of a run exist: whoever stops runs, follows them and reports them is told. */
  readonly onStarted: (live: LiveRun, running: Running) => void;
  /** The stop of a job that somebody asked for, and what it did; never rejects. */
  readonly stopOf: (job: JobDir) => Promise<StopReport | undefined> | undefined;
  readonly stagingRoot: string;
  /** The script of a run, or why there is none any more. */
  readonly textOf: (command: Command) => string | Refusal;
  /** Directory that jobs without `cwd` start in. */
  readonly cwd: string;
  /** Environment of the jobs; it holds nothing of ours. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface Launcher {
  /**
   * Starts what the run orders and resolves when it has ended; what cannot be started is refused. `attempt`: how many there were
   * before; the directory of the last of them stays until this one has ended, for it counts while this one was not started.
   */
  launch(live: LiveRun, attempt?: number): Promise<Outcome>;
  /** Goes on with a job of an earlier agent; `onFound` is called when there is one, be it running or over. */
  adopt(live: LiveRun, open: OpenRun, onFound: () => void): Promise<Outcome | 'never_started'>;
  /** Removes the directory of an attempt that counts no more. Never throws. */
  drop(jobId: string): void;
  /** Removes what the run needed besides its job. Never throws. */
  cleanUp(run: Run): void;
}

/** Jobs that were launched before the machine was started last have ended with it. */
export function bootOf(): string {
  boot ??= identify(process.pid)?.boot ?? '';
  return boot;
}

/** It stays the same as long as we live. */
let boot: string | undefined;

export function createLauncher(options: LauncherOptions): Launcher {
  return {
    launch: (live, attempt = 0) => launch(options, live, attempt),
    adopt: (live, open, onFound) =>
      adopt(open, {
        ...options,
        boot: bootOf(),
        follow: (found) => follow(options, live, found),
        outcomeOf: (view) => outcomeOf(options, view),
        onFound,
        drop: (jobId) => drop(options, jobId),
      }),
    drop: (jobId) => drop(options, jobId),
    cleanUp: (run) => cleanUp(options, run),
  };
}

async function launch(options: LauncherOptions, live: LiveRun, attempt: number): Promise<Outcome> {
  const { jobs, cwd } = options;
  const { run } = live;
  const plan = planOf(run, options);
  if ('gate' in plan) return { kind: 'refused', refusal: plan };
  let created: JobDir | undefined;
  let isNamed = false;
  let startedAtMs = Date.now();
  let launched: Launched;
  try {
    stage(plan);
    launched = jobs.launch(definitionOf(run, plan, cwd), (job) => {
      created = job;
      nameInLedger(options, run, { job, attempt });
      isNamed = true;
      startedAtMs = Date.now();
    });
  } catch (error) {
    const isUnstarted = attempt > 0 ? !isNamed || (error as { code?: unknown }).code === 'launch_failed' : !created;
    if (!isUnstarted) throw error;
    return { kind: 'refused', refusal: notStarted(error instanceof Error ? error.message : String(error)) };
  }
  const { job } = launched;
  launched.release(); // our end must not wait for the job's
  launched.ended.catch(() => undefined); // the job's record tells the same and more
  if (launched.isRunning) return follow(options, live, { job, startedAtMs, attempt });
  return outcomeOf(options, jobs.settle(job));
}

/** The directory is named in the ledger before a process exists, so that no run can be started and then forgotten. */
function nameInLedger(
  { jobs, ledger }: LauncherOptions,
  { runId }: Run,
  { job, attempt }: { job: JobDir; attempt: number },
): void {
  try {
    if (attempt === 0) ledger.launching(runId, job.id, bootOf());
    else ledger.launchingAgain(runId, job.id, bootOf());
  } catch (error) {
    jobs.delete(job);
    throw error;
  }
}

/** Watches over a job whose processes exist until its ending is known. */
async function follow(
  options: LauncherOptions,
  live: LiveRun,
  { job, attempt, ...begun }: { job: JobDir; startedAtMs: number; attempt: number },
): Promise<JobOutcome> {
  const { jobs, onStarted, stopOf } = options;
  const startedAtMs = live.startedAtMs ?? begun.startedAtMs;
  const ended = jobs.adopt(job);
  ended.catch(() => undefined); // awaited below
  const read: ReadOutput = (stream, from, bytesMax) => jobs.readText(job, stream, { from, bytesMax });
  onStarted(live, { job, startedAtMs, read, attempt });
  const outcome = { ...outcomeOf(options, await ended), startedAtMs };
  const stopping = stopOf(job);
  return stopping ? { ...outcome, stop: summaryOf(await stopping) } : outcome;
}

function summaryOf(report: StopReport | undefined): StopSummary | undefined {
  if (!report) return undefined; // it had ended by itself
  const { mechanism, members, survivors, elapsedMs } = report;
  const named = survivors.slice(0, survivorsMax).map((pid) => ({ pid, name: processName(pid) }));
  return { mechanism, members: members.length, survivors: named, elapsed_ms: elapsedMs };
}

/** What cannot be removed counts in the budget, and is forgotten with its run. */
function drop({ jobs, log }: LauncherOptions, jobId: string): void {
  try {
    const job = jobs.at(jobId);
    if (existsSync(job.path)) jobs.delete(job);
  } catch (error) {
    log.warn({ err: error, job_id: jobId }, 'the directory of an earlier attempt could not be removed');
  }
}

function cleanUp({ stagingRoot, log }: LauncherOptions, run: Run): void {
  const [ours, persons] = stagingDirsOf(run, stagingRoot);
  for (const dir of run.command.run_as === 'user' ? [ours, persons] : [ours]) {
    try {
      unstage(dir);
    } catch (error) {
      log.warn({ err: error, run_id: run.runId, dir }, 'the scripts of a run could not be removed');
    }
  }
}

type Plan = Extract<ShellPlan, { kind: 'planned' }> & {
  readonly stagingDir: string;
  readonly user: SessionUser | undefined;
};

/** What is started, and as whom; or why it cannot be on this machine. */
function planOf(run: Run, { env, stagingRoot, textOf }: LauncherOptions): Plan | Refusal {
  const { shell, run_as } = run.command;
  const user = run_as === 'user' ? activeSessionUser() : undefined;
  if (run_as === 'user' && !user) return unsupported(nobodyThere);
  const stagingDir = stagingDirsOf(run, stagingRoot)[user ? 1 : 0];
  const text = textOf(run.command);
  if (typeof text !== 'string') return text;
  const path = user ? environmentOfUser(user).PATH : env.PATH;
  const find = (name: string): string | undefined => findProgram(name, path);
  const plan = planShell({ shell, text }, { platform: process.platform, find, stagingDir });
  return plan.kind === 'unsupported' ? unsupported(plan.reason) : { ...plan, stagingDir, user };
}

/** The tag by which a directory says what it is of, should the ledger have lost the run. */
export const tagOf = (runId: string): string => `run.${runId}`;

function definitionOf({ runId, command, env: own = {} }: Run, { argv, env }: Plan, cwd: string): JobDefinition {
  const asUser = command.run_as === 'user';
  return {
    command: argv,
    env: [...env, ...Object.entries(own).map(([name, value]) => `${name}=${value}`)],
    ...(asUser ? { runAs: 'session-user' } : {}),
    cwd: asUser ? homeRelative(command.cwd) : resolve(cwd, command.cwd ?? ''),
    shellWrapper: [],
    fullLog: false,
    tags: [tagOf(runId)],
    timeoutMs: Math.min(timeoutSeconds(command) * 1000, Number.MAX_SAFE_INTEGER),
    killAfterMs: limits.stopGraceMs,
  };
}

/** Jobs of a person start at home unless they say otherwise. */
function homeRelative(cwd: string | undefined): string {
  if (!cwd) return '~';
  return isAbsolute(cwd) || cwd === '~' || cwd.startsWith('~/') ? cwd : `~/${cwd}`;
}

/** Where the scripts of a run lie: ours out of everybody's reach, those of a person where that person can read them. */
const stagingDirsOf = ({ runId }: Run, stagingRoot: string): [ours: string, persons: string] => [
  resolve(stagingRoot, runId),
  resolve(tmpdir(), `kanade-run-${runId}`),
];

/**
 * Exclusive, so that nobody can have put a directory or a file there before. The files belong to whom they run as and the directory
 * to us: in a place for everybody nobody else can put something into it, or something else in its place.
 */
function stage({ stagingDir: dir, staged, user }: Plan): void {
  if (staged.length === 0) return;
  unstage(dir); // left by a launch that was cut off
  mkdirSync(dirname(dir), { recursive: true, mode: 0o700 });
  mkdirSync(dir, { mode: 0o700 });
  for (const { name, text } of staged) {
    const path = resolve(dir, name);
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    if (user && process.getuid?.() !== user.uid) chownSync(path, user.uid, user.gid);
  }
  if (user) chmodSync(dir, 0o711);
}

/** Removes what `stage` made, and nothing else that has its name. */
function unstage(dir: string): void {
  const stats = lstatSync(dir, { throwIfNoEntry: false });
  if (!stats?.isDirectory() || stats.uid !== (process.geteuid?.() ?? stats.uid)) return;
  for (const name of readdirSync(dir)) unlinkSync(resolve(dir, name));
  rmdirSync(dir);
}

/** What a settled job tells of its end. */
const outcomeOf = ({ jobs }: LauncherOptions, { job, state }: JobView): JobOutcome => ({
  kind: 'job',
  jobId: job.id,
  state,
  read: (stream, from, bytesMax) => jobs.readText(job, stream, { from, bytesMax }),
  flush: () => jobs.flush(job),
});

const nobodyThere = 'nobody is logged in, and run_as user needs an active local session; try again when somebody is';

const unsupported = (why: string): Refusal => ({
  gate: 'unsupported',
  message: `cannot run on this machine: ${why}`,
});
