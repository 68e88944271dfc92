/** A jobs root as one object: what the functions of this package do, bound to a root, an environment and limits. */
import type { Host } from '../host/host.ts';
import { type Excerpt, readFrom, readHead, readTail } from '../output/excerpt.ts';
import type { JobDefinition } from './definition.ts';
import { editMeta } from './edit-meta.ts';
import { createEncloser } from './encloser.ts';
import { createJob, type LaunchedJob, launchJob, startJob } from './launch.ts';
import { type JobDir, pathOf } from './layout.ts';
import { type ListFilter, listJobs } from './list.ts';
import { type Observation, observeStart, type WaitOptions, waitForEnd } from './observe.ts';
import { type Deletion, deleteJob, type PruneOptions, type PruneReport, pruneJobs } from './prune.ts';
import type { MetaFile, NotificationConfig } from './record.ts';
import { restartJob } from './restart.ts';
import { type RootLimits, type RootUsage, rootUsage, withinLimits } from './room.ts';
import { type JobView, settle } from './settle.ts';
import { type StopOptions, type StopOutcome, stopJob } from './stop.ts';
import { findJob } from './store.ts';

export type JobEnv = Readonly<Record<string, string | undefined>>;

export interface OpenJobsOptions {
  /** The environment that jobs inherit; default: the caller's at each start. */
  readonly env?: JobEnv;
  readonly limits?: RootLimits;
  /** Watches over what is launched here: deadlines, log limits, notifications. Without one they need the host of the root. */
  readonly host?: Host;
}

type Stream = 'stdout' | 'stderr';

export interface Jobs {
  readonly root: string;
  /** Defines a job. Throws `root_full`, `stdin_too_large`. */
  create(definition: JobDefinition): JobDir;
  /** Starts a defined job. Throws `invalid_state`, `launch_failed`. */
  start(job: JobDir): LaunchedJob;
  /** Both at once. */
  launch(definition: JobDefinition): LaunchedJob;
  /** By id or unique prefix. Throws `job_not_found`, `ambiguous_job_id`. */
  find(idOrPrefix: string): JobDir;
  /** Where it stands; records an ending that has become known. */
  look(job: JobDir): JobView;
  list(filter?: Partial<ListFilter>): ReturnType<typeof listJobs>;
  /** Until the end, or until it has printed something and then nothing for `quietMs`, or for `timeoutMs`. */
  observe(launched: LaunchedJob, options?: { timeoutMs?: number; quietMs?: number }): Promise<Observation>;
  wait(job: JobDir, options?: WaitOptions): Promise<JobView>;
  stop(job: JobDir, options?: Partial<StopOptions>): Promise<StopOutcome>;
  /** Runs it again in its directory; a run that is going is stopped first. */
  restart(job: JobDir, stop?: Partial<StopOptions>): Promise<LaunchedJob>;
  head(job: JobDir, stream: Stream, bytesMax: number): Excerpt;
  tail(job: JobDir, stream: Stream, options: { bytesMax: number; lines?: number }): Excerpt;
  /** From an offset on: what `head` and `tail` call `range`, for followers. */
  read(job: JobDir, stream: Stream, options: { from: number; bytesMax: number }): Excerpt;
  /** Who is told of the end and of matching lines; undefined = nobody. */
  notify(job: JobDir, notification: NotificationConfig | undefined): Promise<MetaFile>;
  delete(job: JobDir): Deletion;
  prune(options: Omit<PruneOptions, 'nowMs' | 'dryRun'> & { dryRun?: boolean }): PruneReport;
  usage(): RootUsage;
}

/** Opens a root; it need not exist yet. Nothing is held open, and any number of programs may use one root. */
export function openJobs(root: string, { env, limits, host }: OpenJobsOptions = {}): Jobs {
  const environment = (): JobEnv => env ?? process.env;
  const encloser = createEncloser(() => undefined); // tried again by whoever watches over the job
  const tended = (launched: LaunchedJob): LaunchedJob => {
    if (host) {
      host.adopt(launched.job, launched).catch(() => undefined); // reported by the host as an event
    } else {
      const leave = encloser.add(launched.job);
      launched.ended.then(leave, leave);
    }
    return launched;
  };
  return {
    root,
    create: (definition) => createJob(root, withinLimits(root, definition, limits)).job,
    start: (job) => tended(startJob(job, environment())),
    launch: (definition) => tended(launchJob(root, withinLimits(root, definition, limits), environment())),
    find: (text) => findJob(root, text),
    look: settle,
    list: (filter) => listJobs(root, { limit: 0, ...filter }),
    observe: (launched, options = {}) => observeStart(launched, options),
    wait: waitForEnd,
    stop: (job, options) => stopJob(job, { by: 'user', ...options }),
    restart: async (job, stop) => tended(await restartJob(job, { env: environment(), stop: { by: 'user', ...stop } })),
    head: (job, stream, bytesMax) => readHead(pathOf(job, stream), bytesMax),
    tail: (job, stream, { bytesMax, lines = 0 }) => readTail(pathOf(job, stream), bytesMax, lines),
    read: (job, stream, { from, bytesMax }) => readFrom(pathOf(job, stream), from, bytesMax),
    notify: (job, notification) => editMeta(job, (meta) => ({ ...meta, notification })),
    delete: (job) => deleteJob(job, { dryRun: false }),
    prune: (options) => pruneJobs(root, { dryRun: false, ...options, nowMs: Date.now() }),
    usage: () => rootUsage(root),
  };
}
