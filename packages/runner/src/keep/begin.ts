/** How a job begins: right away, or at the end of its line. */
import { join } from 'node:path';
import { JobError } from '../job-error.ts';
import type { JobDefinition } from '../life/definition.ts';
import { type CreatedJob, createJob, launchJob, startJob } from '../life/launch.ts';
import { waitForEnd } from '../life/observe.ts';
import { restartJob } from '../life/restart.ts';
import { settle } from '../life/settle.ts';
import type { StopOptions } from '../life/stop.ts';
import { endUnstarted, enqueue } from '../life/turn.ts';
import { isLinedUp, type JobDir, type MetaFile, readMeta } from '../record/layout.ts';
import { type RootLimits, withinLimits } from '../record/root.ts';
import type { Care, Launched } from './care.ts';

export interface BeginOptions {
  readonly root: string;
  readonly care: Care;
  readonly environment: () => Readonly<Record<string, string | undefined>>;
  readonly limits: RootLimits | undefined;
}

export function createBeginnings({ root, care, environment, limits }: BeginOptions) {
  const begin = (job: JobDir, created: Partial<CreatedJob> = {}): Launched => {
    const { meta = readMeta(job) } = created;
    if (meta && isLinedUp(meta)) return linedUp(job, meta);
    if (meta) care.before(job, meta);
    return orFailed(root, job, () => care.after(startJob(job, environment(), { ...created, meta })));
  };
  const linedUp = (job: JobDir, meta: MetaFile): Launched => {
    checkLine(care);
    try {
      enqueue(root, job, meta, environment());
    } catch (error) {
      if (!(error instanceof JobError) || error.code !== 'launch_failed') throw error;
      endUnstarted(job, error.message);
      return notStarted(job, meta);
    }
    return waitingInLine(job, meta);
  };
  /** When nothing of it is held any more: a keeper that looks at once finds it in line. */
  const seenTo = (launched: Launched): Launched => {
    if (launched.isWaiting) care.line?.changed(launched.job);
    return launched;
  };
  return {
    create: (definition: JobDefinition): JobDir => createJob(root, withinLimits(root, definition, limits)).job,
    start: (job: JobDir): Launched => seenTo(begin(job)),
    launch(definition: JobDefinition, onCreated?: (job: JobDir) => void): Launched {
      const isInLine = isLinedUp(definition);
      if (isInLine) checkLine(care);
      const defined = withinLimits(root, definition, limits);
      const isKept = care.keepsBefore(defined);
      if (!onCreated && !isInLine && !isKept)
        return orFailed(root, undefined, () => care.after(launchJob(root, defined, environment())));
      const created = createJob(root, defined);
      onCreated?.(created.job);
      return seenTo(begin(created.job, created));
    },
    restart: (job: JobDir, stop?: Partial<StopOptions>): Promise<Launched> =>
      restartJob(job, { stop: { by: 'user', ...stop }, begin: () => begin(job) }).then(seenTo),
  };
}

function checkLine({ line }: Care): void {
  if (line) return;
  throw new JobError(
    'invalid_input',
    'no job can wait for its turn here: that takes a root whose keeper is a process of its own',
  );
}

/** A job in line. Whether it has ended is only watched when somebody asks. */
function waitingInLine(job: JobDir, meta: MetaFile): Launched {
  const released = new AbortController();
  let ended: Promise<void> | undefined;
  return {
    job,
    meta,
    identity: undefined,
    isRunning: false,
    isWaiting: true,
    get ended() {
      ended ??= waitForEnd(job, { signal: released.signal }).then(nothing, nothing);
      return ended;
    },
    release: () => released.abort(),
  };
}

const nothing = (): void => undefined;

const notStarted = (job: JobDir, meta: MetaFile): Launched => ({
  job,
  meta,
  identity: undefined,
  isRunning: false,
  ended: Promise.resolve(),
  release: nothing,
});

/** A job that the system cannot start has an ending; only where the disk cannot take that is it an error. */
function orFailed(root: string, known: JobDir | undefined, launch: () => Launched): Launched {
  try {
    return launch();
  } catch (error) {
    if (!(error instanceof JobError) || error.code !== 'launch_failed') throw error;
    const id = (error.details as { job_id?: string } | undefined)?.job_id;
    const job = known ?? (id === undefined ? undefined : { id, path: join(root, id) });
    const meta = job && readMeta(job);
    if (!job || !meta || settle(job).status !== 'failed') throw error;
    return notStarted(job, meta);
  }
}
