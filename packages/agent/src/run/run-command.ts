/**
 * From an admitted run to its recorded ending. Whatever happens to this process in between, the next agent finds the
 * run in the database and goes on from there:
 *
 * | state       | what is true                                   | what the next agent does                            |
 * |-------------|------------------------------------------------|-----------------------------------------------------|
 * | `admitted`  | on disk, nothing was started                   | runs it, through all gates                          |
 * | `launching` | its job directory exists                       | starts it if nobody did, else adopts it             |
 * | `running`   | its processes were started                     | adopts it and reports its true ending               |
 * | `ended`     | the result is in the outbox, in the same commit | nothing                                             |
 */
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createJob, type JobDir, JobError, type JobView, pathOf, settle, startJob, waitForEnd } from '@kanade/runner';
import type { Host } from '@kanade/runner/host';
import {
  activeSessionUser,
  environmentOfUser,
  findProgram,
  planShell,
  type SessionUser,
  type StagedFile,
} from '@kanade/runner/process';
import { type GateFacts, type Refusal, refuse } from '../intake/gates.ts';
import { limits } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { readCapped } from '../report/output.ts';
import { resultOf, startedOf } from '../report/result.ts';
import { endBeforeLaunch, endOfJob, endOfRefusal, type RunEnd } from '../report/run-end.ts';
import type { LiveRun, Registry } from './registry.ts';
import type { OpenRun, Run } from './run.ts';
import type { RunRows } from './run-rows.ts';
import type { Slots } from './slots.ts';

export interface RunCommandOptions {
  readonly registry: Registry;
  readonly rows: RunRows;
  readonly host: Host;
  readonly slots: Slots;
  /** What the gates need to know about a job right now. */
  readonly gateFacts: (run: Run) => GateFacts;
  readonly jobsRoot: string;
  readonly stagingRoot: string;
  /** Directory that jobs without `cwd` start in. */
  readonly cwd: string;
  /** Environment of the jobs; it holds nothing of ours. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Fires when the agent ends: runs that wait stay admitted, jobs that run go on. */
  readonly signal: AbortSignal;
}

export interface RunCommand {
  /** Takes an admitted run to its ending. Returns at once; what goes wrong is logged and tried again. */
  start(run: Run): void;
  /** Goes on with the runs that an earlier agent left open. */
  resume(open: readonly OpenRun[]): void;
}

export function createRunCommand(options: RunCommandOptions): RunCommand {
  const supervise = (run: Run, work: (live: LiveRun) => Promise<RunEnd>): void => {
    const live = options.registry.add(run);
    const log = options.log.child({ run_id: run.runId, manifest_id: run.command.id });
    toItsEnd(options, { live, log, work }).catch((error: unknown) => {
      if (!options.signal.aborted)
        log.error({ err: error }, 'a run was left open; the next start of the agent takes it up');
    });
  };
  return {
    start: (run) => supervise(run, (live) => execute(options, live)),
    resume(open) {
      for (const { run, state, job } of open) {
        if (state === 'admitted' || !job) supervise(run, (live) => execute(options, live));
        else supervise(run, (live) => takeUp(options, live, job));
      }
    },
  };
}

interface Supervised {
  readonly live: LiveRun;
  readonly log: Logger;
  readonly work: (live: LiveRun) => Promise<RunEnd>;
}

async function toItsEnd(options: RunCommandOptions, { live, log, work }: Supervised): Promise<void> {
  const end = await work(live);
  const { run } = live;
  await commit(options, { run, end, log });
  for (const dir of stagingDirsOf(options, run)) rmSync(dir, { recursive: true, force: true });
  options.registry.ended(live, end);
  log.info({ ending: end.ending, exit_code: end.exitCode, skipped: end.skipped }, 'run ended');
}

/** Ending and result are one commit; a disk that is full now may not be so later. */
async function commit(
  { rows, signal }: RunCommandOptions,
  { run, end, log }: { run: Run; end: RunEnd; log: Logger },
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      rows.ended(end, resultOf(run, end));
      return;
    } catch (error) {
      log.error({ err: error }, 'the ending of a run could not be recorded; trying again');
      await sleep(limits.commitRetryMs, undefined, { signal });
    }
  }
}

/** gates → jitter → slot → gates → launch → ending. */
async function execute(options: RunCommandOptions, live: LiveRun): Promise<RunEnd> {
  const { run } = live;
  const early = refuse(run.command, options.gateFacts(run));
  if (early) return endOfRefusal(early, Date.now());
  const waiting = AbortSignal.any([live.stopSignal, options.signal]);
  try {
    await jitter(run, waiting);
    using _place = await takePlace(options, run, waiting);
    return await launch(options, live);
  } catch (error) {
    options.signal.throwIfAborted();
    if (live.stoppedBy && !live.running) return endBeforeLaunch(run, live.stoppedBy, Date.now());
    throw error;
  }
}

async function jitter({ command }: Run, signal: AbortSignal): Promise<void> {
  const jitterMs = (command.jitter_secs ?? 0) * 1000;
  if (jitterMs > 1000) await sleep(Math.random() * jitterMs, undefined, { signal });
}

/** Runs of the person at the machine do not wait behind those of operators. */
async function takePlace({ slots }: RunCommandOptions, run: Run, signal: AbortSignal): Promise<Disposable | null> {
  return needsPlace(run) ? slots.take(signal) : null;
}

const needsPlace = ({ origin, command }: Run): boolean => origin === 'fleet' && command.bypass_local_limit !== true;

async function launch(options: RunCommandOptions, live: LiveRun): Promise<RunEnd> {
  const { run } = live;
  const late = refuse(run.command, options.gateFacts(run));
  if (late) return endOfRefusal(late, Date.now());
  if (live.stoppedBy) return endBeforeLaunch(run, live.stoppedBy, Date.now());
  const user = run.command.run_as === 'user' ? activeSessionUser() : undefined;
  if (run.command.run_as === 'user' && !user) return endOfRefusal(unsupported(nobodyThere), Date.now());
  const stagingDir = stagingDirsOf(options, run)[user ? 1 : 0];
  const path = user ? environmentOfUser(user).PATH : options.env.PATH;
  const find = (name: string): string | undefined => findProgram(name, path);
  const { shell, script: text } = run.command;
  const plan = planShell({ shell, text }, { platform: process.platform, find, stagingDir });
  if (plan.kind === 'unsupported') return endOfRefusal(unsupported(plan.reason), Date.now());
  let job: JobDir;
  try {
    stage(stagingDir, plan.staged, user);
    job = createJob(options.jobsRoot, definitionOf(run, plan.argv, options.cwd)).job;
  } catch (error) {
    return endOfRefusal(notStarted(error), Date.now());
  }
  // The directory is named in the database before a process exists, so that no run can be started and then forgotten.
  options.rows.launching(run.runId, job.id);
  return startAndFollow(options, live, job);
}

async function startAndFollow(options: RunCommandOptions, live: LiveRun, job: JobDir): Promise<RunEnd> {
  const { run } = live;
  try {
    const launched = startJob(job, options.env);
    launched.release(); // our end must not wait for the job's
    launched.ended.catch(() => undefined); // the job's record tells the same and more
  } catch (error) {
    if (!(error instanceof JobError) || error.code !== 'launch_failed') throw error;
    return endOfJob(run, settle(job), outputOf(job));
  }
  return follow(options, live, job);
}

/** Watches over a job whose processes exist until its ending is known. */
async function follow({ host, registry, rows, log }: RunCommandOptions, live: LiveRun, job: JobDir): Promise<RunEnd> {
  const { run } = live;
  const ended = host.adopt(job);
  const startedAtMs = settle(job).state?.started_at_ms ?? Date.now();
  registry.started(live, job, startedAtMs);
  try {
    rows.running(run.runId, startedAtMs, startedOf(run, startedAtMs));
  } catch (error) {
    log.error({ err: error, run_id: run.runId }, 'the start of a run could not be recorded; its ending will be');
  }
  const view = await ended;
  return endOfJob(run, view, outputOf(job));
}

/** A job that an earlier agent launched, or was about to. */
async function takeUp(options: RunCommandOptions, live: LiveRun, job: JobDir): Promise<RunEnd> {
  const view = await settledLaunch(job, options.signal);
  if (view.status === 'running') {
    finishStop(options, job);
    using _place = needsPlace(live.run) ? options.slots.occupy() : null;
    return await follow(options, live, job);
  }
  if (view.status !== 'created') return endOfJob(live.run, view, outputOf(job));
  // No record: nobody claimed the launch, so nothing was started.
  if (!existsSync(pathOf(job, 'record'))) return startAndFollow(options, live, job);
  return endOfJob(live.run, { state: undefined }, outputOf(job));
}

/** An agent that ended between TERM and KILL leaves the request; who made it stands there already and is kept. */
function finishStop({ host, log }: RunCommandOptions, job: JobDir): void {
  if (!existsSync(pathOf(job, 'stop'))) return;
  host.stop(job, { by: 'shutdown', graceMs: limits.stopGraceMs }).catch((error: unknown) => {
    log.error({ err: error, job_id: job.id }, 'a run could not be stopped');
  });
}

/** A launch that was cut off leaves a record that is still empty; the shim fills it at once if there is one. */
async function settledLaunch(job: JobDir, signal: AbortSignal): Promise<JobView> {
  const view = settle(job);
  if (view.status !== 'created' || !existsSync(pathOf(job, 'record'))) return view;
  return waitForEnd(job, { timeoutMs: limits.launchRecordWaitMs, signal });
}

function definitionOf({ command }: Run, argv: readonly string[], cwd: string): Parameters<typeof createJob>[1] {
  const asUser = command.run_as === 'user';
  return {
    command: argv,
    ...(asUser ? { runAs: 'session-user' } : {}),
    cwd: asUser ? homeRelative(command.cwd) : resolve(cwd, command.cwd ?? ''),
    shellWrapper: [],
    timeoutMs: Math.max(1, command.timeout_secs) * 1000,
    killAfterMs: limits.stopGraceMs,
  };
}

/** Jobs of a person start at home unless they say otherwise. */
function homeRelative(cwd: string | undefined): string {
  if (!cwd) return '~';
  return isAbsolute(cwd) || cwd === '~' || cwd.startsWith('~/') ? cwd : `~/${cwd}`;
}

/** Where the scripts of a run lie: ours out of everybody's reach, those of a person where that person can read them. */
const stagingDirsOf = ({ stagingRoot }: RunCommandOptions, { runId }: Run): [ours: string, persons: string] => [
  resolve(stagingRoot, runId),
  resolve(tmpdir(), `kanade-run-${runId}`),
];

/** Readable by the job alone; exclusive, so that nobody can have put a directory or a file there before. */
function stage(dir: string, staged: readonly StagedFile[], user: SessionUser | undefined): void {
  if (staged.length === 0) return;
  rmSync(dir, { recursive: true, force: true }); // left by a launch that was cut off
  mkdirSync(dirname(dir), { recursive: true, mode: 0o700 });
  mkdirSync(dir, { mode: 0o700 });
  const written = staged.map(({ name, text }) => {
    const path = resolve(dir, name);
    writeFileSync(path, text, { flag: 'wx', mode: 0o600 });
    return path;
  });
  if (!user || process.getuid?.() === user.uid) return;
  for (const path of [...written, dir]) chownSync(path, user.uid, user.gid);
}

function outputOf(job: JobDir): { stdout: string; stderr: string; nowMs: number } {
  return { stdout: readCapped(pathOf(job, 'stdout')), stderr: readCapped(pathOf(job, 'stderr')), nowMs: Date.now() };
}

const nobodyThere = 'nobody is logged in, and run_as user needs an active local session; try again when somebody is';

const unsupported = (why: string): Refusal => ({
  gate: 'unsupported',
  message: `cannot run on this machine: ${why}`,
});

function notStarted(error: unknown): Refusal {
  return { gate: 'no_exit_code', message: `not started: ${error instanceof Error ? error.message : String(error)}` };
}
