/** From a run to its processes and back: what is started where, as whom, and what it left behind. */
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, resolve } from 'node:path';
import { createJob, type JobDir, JobError, type JobView, pathOf, settle, startJob, waitForEnd } from '@kanade/runner';
import type { Host } from '@kanade/runner/host';
import {
  activeSessionUser,
  environmentOfUser,
  findProgram,
  planShell,
  type SessionUser,
  type ShellPlan,
} from '@kanade/runner/process';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import { readCapped } from '../report/output.ts';
import { endOfJob, endOfRefusal, startedOf } from '../report/run-end.ts';
import type { Ledger } from '../store/ledger.ts';
import type { LiveRun, Refusal, Run, RunEnd } from './model.ts';
import type { Registry } from './registry.ts';

export interface LauncherOptions {
  readonly host: Host;
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly jobsRoot: string;
  readonly stagingRoot: string;
  /** Directory that jobs without `cwd` start in. */
  readonly cwd: string;
  /** Environment of the jobs; it holds nothing of ours. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface Launcher {
  /** Starts what the run orders and resolves with its end; what cannot be started is an end, too. */
  launch(live: LiveRun): Promise<RunEnd>;
  /** Goes on with a job of an earlier agent; `onRunning` is called when its processes live. */
  adopt(live: LiveRun, job: JobDir, onRunning: () => void): Promise<RunEnd | 'never_started'>;
  /** Removes what the run needed besides its job. Never throws. */
  cleanUp(run: Run): void;
}

export function createLauncher(options: LauncherOptions): Launcher {
  const { host, registry, ledger, log, signal } = options;

  async function launch(live: LiveRun): Promise<RunEnd> {
    const { run } = live;
    const plan = planOf(run, options);
    if ('gate' in plan) return endOfRefusal(plan, Date.now());
    let job: JobDir;
    try {
      stage(plan);
      job = createJob(options.jobsRoot, definitionOf(run, plan.argv, options.cwd)).job;
    } catch (error) {
      return endOfRefusal(notStarted(error), Date.now());
    }
    try {
      // The directory is named in the ledger before a process exists, so that no run can be started and then forgotten.
      ledger.launching(run.runId, job.id);
    } catch (error) {
      rmSync(job.path, { recursive: true, force: true });
      throw error;
    }
    try {
      const launched = startJob(job, options.env);
      launched.release(); // our end must not wait for the job's
      launched.ended.catch(() => undefined); // the job's record tells the same and more
    } catch (error) {
      if (!(error instanceof JobError) || error.code !== 'launch_failed') throw error;
      return endOfJob(run, settle(job), outputOf(job));
    }
    return follow(live, job);
  }

  /** Watches over a job whose processes exist until its ending is known. */
  async function follow(live: LiveRun, job: JobDir): Promise<RunEnd> {
    const { run } = live;
    const ended = host.adopt(job);
    const startedAtMs = settle(job).state?.started_at_ms ?? Date.now();
    registry.started(live, job, startedAtMs);
    try {
      ledger.running(run.runId, startedAtMs, startedOf(run, startedAtMs));
    } catch (error) {
      log.error({ err: error, run_id: run.runId }, 'the start of a run could not be recorded; its ending will be');
    }
    const view = await ended;
    return endOfJob(run, view, outputOf(job));
  }

  async function adopt(live: LiveRun, job: JobDir, onRunning: () => void): Promise<RunEnd | 'never_started'> {
    const view = await settledLaunch(job, signal);
    if (view.status === 'running') {
      finishStop(job);
      onRunning();
      return follow(live, job);
    }
    if (view.status !== 'created') return endOfJob(live.run, view, outputOf(job));
    if (existsSync(pathOf(job, 'record'))) return endOfJob(live.run, { state: undefined }, outputOf(job));
    // No record: nobody claimed the launch, so nothing was started. What it waits for may have changed since.
    rmSync(job.path, { recursive: true, force: true });
    return 'never_started';
  }

  /** An agent that ended between TERM and KILL leaves the request; who made it stands there already and is kept. */
  function finishStop(job: JobDir): void {
    if (!existsSync(pathOf(job, 'stop'))) return;
    host.stop(job, { by: 'shutdown', graceMs: limits.stopGraceMs }).catch((error: unknown) => {
      log.error({ err: error, job_id: job.id }, 'a run could not be stopped');
    });
  }

  return {
    launch,
    adopt,
    cleanUp(run) {
      for (const dir of stagingDirsOf(run, options.stagingRoot)) {
        try {
          rmSync(dir, { recursive: true, force: true });
        } catch (error) {
          log.warn({ err: error, run_id: run.runId, dir }, 'the scripts of a run could not be removed');
        }
      }
    },
  };
}

/** A launch that was cut off leaves a record that is still empty; the shim fills it at once if there is one. */
async function settledLaunch(job: JobDir, signal: AbortSignal): Promise<JobView> {
  const view = settle(job);
  if (view.status !== 'created' || !existsSync(pathOf(job, 'record'))) return view;
  return waitForEnd(job, { timeoutMs: limits.launchRecordWaitMs, signal });
}

type Plan = Extract<ShellPlan, { kind: 'planned' }> & {
  readonly stagingDir: string;
  readonly user: SessionUser | undefined;
};

/** What is started, and as whom; or why it cannot be on this machine. */
function planOf(run: Run, { env, stagingRoot }: LauncherOptions): Plan | Refusal {
  const { shell, script: text, run_as } = run.command;
  const user = run_as === 'user' ? activeSessionUser() : undefined;
  if (run_as === 'user' && !user) return unsupported(nobodyThere);
  const stagingDir = stagingDirsOf(run, stagingRoot)[user ? 1 : 0];
  const path = user ? environmentOfUser(user).PATH : env.PATH;
  const find = (name: string): string | undefined => findProgram(name, path);
  const plan = planShell({ shell, text }, { platform: process.platform, find, stagingDir });
  return plan.kind === 'unsupported' ? unsupported(plan.reason) : { ...plan, stagingDir, user };
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
const stagingDirsOf = ({ runId }: Run, stagingRoot: string): [ours: string, persons: string] => [
  resolve(stagingRoot, runId),
  resolve(tmpdir(), `kanade-run-${runId}`),
];

/** Readable by the job alone; exclusive, so that nobody can have put a directory or a file there before. */
function stage({ stagingDir: dir, staged, user }: Plan): void {
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
