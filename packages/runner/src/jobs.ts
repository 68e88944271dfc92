/**
 * A jobs root: the one way to its jobs. Whoever opens it says where its keeper lives; the steps of a launch, and who enforces
 * deadlines, limits and sinks afterwards, are not the caller's business.
 *
 * `launch` and `start`, step by step. Whatever is killed in between, what a job was promised still happens:
 *
 * 1. the directory with the definition exists; nothing runs, and a keeper that comes along lets go of it again
 * 2. `keeper: 'process'`, and the job has a deadline or sinks: its marker lies in the root, and a keeper lives or is started
 * 3. the shim runs, and writes the ending whoever lives
 * 4. the state says `running`, else whoever looks next finds the shim by its record
 * 5. `keeper: 'process'`: the marker is there again if a keeper has given up between 2 and 3
 * 6. after some 100 ms a control group takes the tree; after 1 s every job is marked, for the limit of its logs
 *
 * A job with a queue, or with others that it waits for, is put into line instead, and the keeper starts it (`keep/queue/line.ts`).
 */
import { createBeginnings } from './keep/begin.ts';
import { type Care, careByProcess, type Launched } from './keep/care.ts';
import { trimEnded } from './keep/guards.ts';
import { careHere, type JobsEvent } from './keep/keeper.ts';
import { leftOverKeepers, liveKeeper } from './keep/markers.ts';
import {
  type Deletion,
  deleteJob,
  deleteJobsOf,
  type PruneOptions,
  type PruneReport,
  pruneJobs,
} from './keep/prune.ts';
import { followFromNow } from './keep/watch-output.ts';
import { checkSought, type JobDefinition } from './life/definition.ts';
import { describeJob, type JobDescription } from './life/describe.ts';
import { type Followed, type FollowOptions, followJob } from './life/follow.ts';
import { type ListedJobs, type ListFilter, listJobs, listJobsInTurns } from './life/list.ts';
import { createLookout } from './life/lookout.ts';
import { type Observation, type ObserveOptions, observeStart, type WaitOptions, waitForEnd } from './life/observe.ts';
import { isInLine, listQueues, type QueueState } from './life/places.ts';
import { type NextReading, type ReadNextOptions, readNext } from './life/read-next.ts';
import { cursorAt, type HeadReading, type JobReading, type ReadOptions, readHead, readOn } from './life/read-on.ts';
import { editMeta } from './life/restart.ts';
import { type JobView, settle } from './life/settle.ts';
import { type StopOptions, type StopOutcome, stopJob } from './life/stop.ts';
import { type Excerpt, flushFile, readBytesFrom, readFrom, readTail } from './output/excerpt.ts';
import { ownControlGroup } from './process/control-group/control-group.ts';
import {
  type JobDir,
  logStreams,
  type MetaFile,
  type NotificationConfig,
  pathOf,
  readMeta,
  readState,
} from './record/layout.ts';
import { findJob, jobDir, type RootLimits, type RootUsage, rootUsage } from './record/root.ts';
import { setQueueSlots } from './record/tickets.ts';

export type { JobsEvent } from './keep/keeper.ts';

export type JobEnv = Readonly<Record<string, string | undefined>>;

export interface OpenJobsOptions {
  /**
   * What enforces deadlines, log limits and sinks. `here`: this program, as long as `jobs` is not disposed of; the next life
   * of it says `adopt`. `process`: one process per root, started on demand and gone when idle, whoever made the jobs.
   */
  readonly keeper: 'here' | 'process';
  /** Words that start a program which runs `runKeeper` on this root; default: this program with `_host --root <root>`. */
  readonly keeperWords?: readonly string[];
  /** The environment that jobs inherit; default: the caller's at each start. */
  readonly env?: JobEnv;
  readonly limits?: RootLimits;
  /** Hears what the keeper does; with `keeper: 'here'` only. Must not throw. */
  readonly onEvent?: (event: JobsEvent) => void;
}

type NotificationChange = (known: NotificationConfig | undefined) => NotificationConfig | undefined;

type Stream = 'stdout' | 'stderr';

export interface Jobs extends AsyncDisposable {
  readonly root: string;
  /** Defines a job; starts nothing. Throws `root_full`, `stdin_too_large`, `invalid_input`, `invalid_pattern`, `io_error`. */
  create(definition: JobDefinition): JobDir;
  /**
   * Starts a created job, or puts it into its line. One that the system cannot start is no error: it is `failed`, with the reason in its state, and
   * `isRunning` is false. Throws `invalid_state` when it was started before, `launch_failed` when the disk could not even take that reason.
   */
  start(job: JobDir): Launched;
  /** Both at once. `onCreated` is called in between, when nothing of it runs; what it throws is thrown, and nothing is started. */
  launch(definition: JobDefinition, onCreated?: (job: JobDir) => void): Launched;
  /** Runs it again in its directory, or puts it into its line again, at the end; a run that is going is stopped first. Throws as `start` does. */
  restart(job: JobDir, stop?: Partial<StopOptions>): Promise<Launched>;
  /**
   * Watches over a job that another program launched, or an earlier life of this one: its deadline, limits and sinks. Resolves
   * with its ending when the sinks were told (`here`), or when it is known (`process`). Twice is the same as once.
   */
  adopt(job: JobDir): Promise<JobView>;
  /** By id or unique prefix. Throws `job_not_found`, `ambiguous_job_id`. */
  find(idOrPrefix: string): JobDir;
  /** By its exact id, whether or not it exists. Throws `job_not_found` for a name that cannot be one. */
  at(id: string): JobDir;
  /** Where it stands; records an ending that has become known. */
  settle(job: JobDir): JobView;
  /** The definition; undefined when it cannot be read. */
  definition(job: JobDir): MetaFile | undefined;
  /** Where it stands, with definition, sizes and what still lives of it. */
  describe(job: JobDir): JobDescription;
  /** Newest first; records endings that have become known. */
  list(filter?: Partial<ListFilter>): ListedJobs;
  /** The same for a program that has others to answer meanwhile: few are read at a time. Rejects with the signal's reason on abort. */
  listInTurns(filter?: Partial<ListFilter>, signal?: AbortSignal): Promise<ListedJobs>;
  /** Until the end, or until it has printed something and then nothing for `quietMs`, or for `timeoutMs`. */
  observe(launched: Launched, options?: ObserveOptions): Promise<Observation>;
  /** Until the end, or for `timeoutMs`. Rejects with the signal's reason on abort. */
  wait(job: JobDir, options?: WaitOptions): Promise<JobView>;
  /** Tells what it prints, as text, until it has ended and all is told. */
  follow(job: JobDir, options: FollowOptions): Promise<Followed>;
  stop(job: JobDir, options?: Partial<StopOptions>): Promise<StopOutcome>;
  /**
   * What a first answer tells whose caller knows how the job stands: the beginnings of both logs, and the cursor of who reads on. A character that
   * `bytesMax` cuts is U+FFFD there, and comes whole behind the cursor.
   */
  readHead(job: JobDir, view: JobView, bytesMax: number): HeadReading;
  tail(job: JobDir, stream: Stream, options: { bytesMax: number; lines?: number }): Excerpt;
  /**
   * What both streams have to add to what stood before `cursor`, and what became of the job since; without one from the beginning. A
   * reader that is cut off and comes back with its last `cursor` loses and repeats nothing. Throws `invalid_cursor`, `io_error`.
   */
  read(job: JobDir, options: ReadOptions): JobReading;
  /** A cursor that reads on at these bytes of the logs. */
  cursorAt(job: JobDir, at: { stdout: number; stderr: number }): string;
  /**
   * The same when there is something to tell, when a line matches, when the job has ended, or after `timeoutMs`. Rejects with the signal's
   * reason on abort. Throws `invalid_pattern`.
   */
  readNext(job: JobDir, options: ReadNextOptions): Promise<NextReading>;
  /** From an offset on: what `head` and `tail` call `range`. */
  readText(job: JobDir, stream: Stream, options: { from: number; bytesMax: number }): Excerpt;
  /** The same as bytes, whatever they are. */
  readBytes(
    job: JobDir,
    stream: Stream,
    options: { from: number; bytesMax: number },
  ): { bytes: Uint8Array; totalBytes: number };
  /** Changes the definition in place, after whoever is changing it. Throws `invalid_state` when that takes longer than 2 s. */
  edit(job: JobDir, change: (meta: MetaFile) => MetaFile): Promise<MetaFile>;
  /** Changes who is told of the end and of matching lines; what a running job has printed before is not told. Throws `invalid_pattern`. */
  notify(job: JobDir, change: NotificationChange): Promise<MetaFile>;
  /** Resolves when what it has printed is on the disk, and outlives a power cut. Rejects with what the system says against that. */
  flush(job: JobDir): Promise<void>;
  /** Of the logs of an ended job that take more, the middle goes, as beyond `logBytesMax`; nothing where files cannot have holes. */
  trim(job: JobDir, bytesMax: number): Promise<void>;
  /** Deletes a job in any state but running. Throws `invalid_state`. */
  delete(job: JobDir, options?: { dryRun?: boolean }): Deletion;
  /** Deletes every ended job of a working directory. */
  deleteAll(cwd: string, options?: { dryRun?: boolean }): { jobs: Deletion[]; outOfScope: number };
  /** Deletes ended jobs by age, number and size. */
  prune(options: Omit<PruneOptions, 'nowMs' | 'dryRun'> & { dryRun?: boolean }): PruneReport;
  /** The queues that were told their slots, or in which a job stands. */
  queues(): readonly QueueState[];
  /** How many jobs of a queue run at the same time: 0 (none starts) to 1,000; default 1. Throws `invalid_input`, `invalid_state`. */
  setQueue(name: string, settings: { slots: number }): void;
  usage(): RootUsage;
  /** What watches over this root, and by which means. */
  health(): RootHealth;
}

export interface RootHealth {
  /** Pid of the process that keeps this root (`keeper: 'process'` of whoever); undefined while none is needed. */
  readonly keeper: number | undefined;
  /** Pids of keepers that serve no root any more, or this one beside the live one. */
  readonly leftOverKeepers: readonly number[];
  /** Jobs get control groups: nothing that they start escapes a stop. */
  readonly hasControlGroups: boolean;
}

/** Opens a root; it need not exist yet. With `keeper: 'process'` nothing is held open; any number of programs may use one root. */
export function openJobs(root: string, options: OpenJobsOptions): Jobs {
  const environment = (): JobEnv => options.env ?? process.env;
  const care = options.keeper === 'here' ? careHere(options.onEvent) : careByProcess(root, options.keeperWords);
  return {
    root,
    ...createBeginnings({ root, care, environment, limits: options.limits }),
    adopt: (job) => care.adopt(job),
    find: (text) => findJob(root, text),
    at: (id) => jobDir(root, id),
    settle: (job) => care.completed(settle(job)),
    definition: readMeta,
    ...looking(root, care),
    ...waiting(care),
    async stop(job, stop) {
      const outcome = await stopJob(job, { by: 'user', ...stop });
      if (outcome.view.state?.ending?.kind === 'not_started' && isInLine(job)) care.line?.changed();
      return outcome;
    },
    ...reading,
    edit: editMeta,
    notify: (job, change) => changeNotification(job, change, care),
    trim: (job, bytesMax) => trimEnded(settle(job), bytesMax).then(() => undefined),
    delete: (job, { dryRun = false } = {}) => deleteJob(job, { dryRun }),
    deleteAll: (cwd, { dryRun = false } = {}) => deleteJobsOf(root, cwd, { dryRun }),
    prune: (pruned) => pruneJobs(root, { dryRun: false, ...pruned, nowMs: Date.now() }),
    queues: () => listQueues(root),
    setQueue(name, { slots }) {
      setQueueSlots(root, name, slots);
      if (listQueues(root).some(({ waiting }) => waiting.length > 0)) care.line?.changed();
    },
    usage: () => rootUsage(root),
    health: () => healthOf(root),
    [Symbol.asyncDispose]: () => care[Symbol.asyncDispose](),
  };
}

const reading: Pick<Jobs, 'readHead' | 'tail' | 'read' | 'cursorAt' | 'readText' | 'readBytes' | 'flush'> = {
  flush: async (job) => void (await Promise.all(logStreams.map((stream) => flushFile(pathOf(job, stream))))),
  readHead,
  tail: (job, stream, { bytesMax, lines = 0 }) => readTail(pathOf(job, stream), bytesMax, lines),
  read: readOn,
  cursorAt,
  readText: (job, stream, { from, bytesMax }) => readFrom(pathOf(job, stream), from, bytesMax),
  readBytes: (job, stream, { from, bytesMax }) => readBytesFrom(pathOf(job, stream), from, bytesMax),
};

/** Who sees a job that waits for its turn sees to it that somebody lives who gives it its turn. */
function looking(root: string, { line }: Care): Pick<Jobs, 'describe' | 'list' | 'listInTurns'> {
  const seen = (listed: ListedJobs): ListedJobs => {
    if (listed.jobs.some(({ place }) => place)) line?.seen();
    return listed;
  };
  return {
    describe(job) {
      const described = describeJob(root, job);
      if (described.place) line?.seen();
      return described;
    },
    list: (filter) => seen(listJobs(root, { limit: 0, ...filter })),
    listInTurns: async (filter, signal) => seen(await listJobsInTurns(root, { limit: 0, ...filter }, signal)),
  };
}

/** The same for who waits for it. */
function waiting(care: Care): Pick<Jobs, 'observe' | 'wait' | 'readNext' | 'follow'> {
  const lookout = createLookout();
  const watched = async <T>(job: JobDir, wait: () => Promise<T>): Promise<T> => {
    const leave = isInLine(job) && readState(job)?.job.status === 'created' ? care.line?.watched() : undefined;
    try {
      return await wait();
    } finally {
      leave?.();
    }
  };
  return {
    async observe(launched, observed = {}) {
      const observe = (): Promise<Observation> => observeStart(launched, observed);
      const observation = await (launched.isWaiting ? watched(launched.job, observe) : observe());
      care.completed(observation.view);
      return observation;
    },
    wait: async (job, waited) => care.completed(await watched(job, () => waitForEnd(job, waited, lookout))),
    async readNext(job, options) {
      const reading = await watched(job, () => readNext(job, options, lookout));
      care.completed(reading.view);
      return reading;
    },
    follow: (job, options) => watched(job, () => followJob(job, options, lookout)),
  };
}

const healthOf = (root: string): RootHealth => ({
  keeper: liveKeeper(root)?.pid,
  leftOverKeepers: leftOverKeepers(root),
  hasControlGroups: ownControlGroup() !== undefined,
});

/** What has come to a running job is seen to from now on. */
async function changeNotification(job: JobDir, change: NotificationChange, care: Care): Promise<MetaFile> {
  const isRunning = settle(job).status === 'running';
  if (isRunning) followFromNow(job); // before a keeper can see the match
  const meta = await editMeta(job, (known) => {
    const notification = change(known.notification);
    checkSought(notification, known.notification);
    return { ...known, notification };
  });
  if (isRunning) care.changed(job);
  return meta;
}
