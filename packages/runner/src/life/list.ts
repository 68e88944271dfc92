import { readFileSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { replaceFile } from '@kanade/durable/files';
import { isJobName, matchesTag } from '@kanade/shared/job-words';
import { errnoOf } from '../job-error.ts';
import { type JobDir, jobFiles, type MetaFile } from '../record/layout.ts';
import { entryNames, hashLength, hashOf, isDirectory, launchesPath } from '../record/root.ts';
import { fileClockLagMs } from './decide-ending.ts';
import { createPlaces, type PlaceInLine } from './places.ts';
import { type FactsOnDemand, type JobView, readFacts, settleFacts } from './settle.ts';

/** Which jobs to list. All filters must hold. */
export interface ListFilter {
  /** Exact working directory; undefined = any. */
  readonly cwd?: string;
  readonly tags?: readonly string[];
  readonly state?: JobView['status'];
  /** Most jobs returned; 0 = all. */
  readonly limit: number;
}

export interface ListedJob {
  readonly meta: MetaFile;
  readonly view: JobView;
  /** Where it stands while it waits for its turn. */
  readonly place?: PlaceInLine | undefined;
}

export interface ListedJobs {
  readonly jobs: ListedJob[];
  /** There are more than the limit. */
  readonly truncated: boolean;
  /** Directories that could not be read as a job. */
  readonly skipped: number;
}

/**
 * Newest start first; jobs that never started come last, then by id. Jobs are read in the order of their launches, or of
 * the last write to their state where no launch was noted (no job starts after that), and reading ends when the limit is
 * full and nothing newer can follow. `skipped` counts directories without a readable definition among those that were
 * read, and all without a state.
 */
export function listJobs(root: string, filter: ListFilter): ListedJobs {
  const steps = listing(root, filter);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Jobs that are read at a time: some ms of work. */
const jobsPerTurn = 50;

/** The same for who has others to answer meanwhile: a root of ten thousand jobs takes a second. Rejects with the signal's reason on abort. */
export async function listJobsInTurns(root: string, filter: ListFilter, signal?: AbortSignal): Promise<ListedJobs> {
  const steps = listing(root, filter);
  for (let count = 0; ; count++) {
    if (count % jobsPerTurn === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Pauses behind each job that was read. */
function* listing(root: string, filter: ListFilter): Generator<undefined, ListedJobs> {
  let skipped = 0;
  const found: ListedJob[] = [];
  // The starts that would be shown, newest first, so far.
  const starts: number[] = [];
  for (const { job, latestMs } of candidates(root, filter)) {
    const oldestShownMs = starts[filter.limit - 1];
    const isFull = filter.limit > 0 && found.length > filter.limit && oldestShownMs !== undefined;
    if (isFull && oldestShownMs > latestMs) break;
    const listed = choose(job, filter);
    yield;
    if (listed === 'unreadable') skipped++;
    if (listed === undefined || listed === 'unreadable') continue;
    found.push(listed);
    insertDescending(starts, startOf(listed), filter.limit);
  }
  found.sort(newestFirst);
  const places = createPlaces(root);
  const jobs = (filter.limit === 0 ? found : found.slice(0, filter.limit)).map((listed) =>
    listed.view.status === 'created' ? { ...listed, place: places(listed.view.job, listed.meta) } : listed,
  );
  return { jobs, truncated: jobs.length < found.length, skipped };
}

/** A job that may be listed, and a time after which it cannot have started. */
interface Candidate {
  readonly job: JobDir;
  readonly latestMs: number;
}

/** Those of which nothing is known come first, the others by their time, latest first. */
function* candidates(root: string, { cwd }: ListFilter): Generator<Candidate> {
  const base = `${join(root)}${sep}`;
  const order = readLaunchOrder(root, entryNames(root));
  const unnoted = lookedAt(base, [...order.unnoted].filter(isJobName));
  const cwdHash = cwd === undefined ? undefined : hashOf(cwd);
  let next = 0;
  for (const launch of order.launches) {
    if (cwdHash !== undefined && launch.cwdHash !== cwdHash) continue;
    for (let other = unnoted[next]; other && other.latestMs >= launch.startedAtMs; other = unnoted[next]) {
      yield other;
      next++;
    }
    yield { job: { id: launch.id, path: `${base}${launch.id}` }, latestMs: launch.startedAtMs };
  }
  yield* unnoted.slice(next);
}

/** Jobs of which no launch was noted, by the time of their state. */
function lookedAt(base: string, names: readonly string[]): Candidate[] {
  const found: Candidate[] = [];
  for (const id of names) {
    // Put together by hand: over ten thousand jobs join() would cost as much as the looks themselves.
    const job = { id, path: `${base}${id}` };
    if (!isDirectory(job.path)) continue;
    const stat = statSync(`${job.path}${sep}${jobFiles.state}`, { throwIfNoEntry: false });
    found.push({ job, latestMs: stat ? stat.mtimeMs + fileClockLagMs : Number.MAX_VALUE });
  }
  return found.sort((a, b) => b.latestMs - a.latestMs);
}

/** One job that cannot be read, whatever the system says about it, does not hide the others. */
function choose(job: JobDir, filter: ListFilter): ListedJob | undefined | 'unreadable' {
  try {
    const facts = readFacts(job);
    return facts.meta ? chosen(facts, facts.meta, filter) : 'unreadable';
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return 'unreadable';
  }
}

function chosen(facts: FactsOnDemand, meta: MetaFile, filter: ListFilter): ListedJob | undefined {
  if (filter.cwd !== undefined && meta.cwd !== filter.cwd) return undefined;
  if (!(filter.tags ?? []).every((tag) => meta.tags.some((own) => matchesTag(own, tag)))) return undefined;
  const view = settleFacts(facts);
  return filter.state !== undefined && view.status !== filter.state ? undefined : { meta, view };
}

function insertDescending(values: number[], value: number, most: number): void {
  if (most === 0 || (values.length === most && value <= (values[most - 1] ?? 0))) return;
  const at = values.findIndex((other) => other < value);
  values.splice(at < 0 ? values.length : at, 0, value);
  values.length = Math.min(values.length, most);
}

function newestFirst(a: ListedJob, b: ListedJob): number {
  const [startA, startB] = [startOf(a), startOf(b)];
  return startA === startB ? (a.view.job.id < b.view.job.id ? 1 : -1) : startA < startB ? 1 : -1;
}

/** Milliseconds where we know them, else the whole second; jobs that never started sort last. */
const startOf = ({ view: { state } }: ListedJob): number =>
  state?.started_at_ms ?? (state?.job.started_at ? Date.parse(state.job.started_at) : 0);

interface Launch {
  readonly id: string;
  readonly startedAtMs: number;
  readonly cwdHash: string;
}

/** Launches that were noted of these jobs, newest first, each job once; `unnoted` are the others. */
interface LaunchOrder {
  readonly launches: Iterable<Launch>;
  readonly unnoted: ReadonlySet<string>;
}

function readLaunchOrder(root: string, names: readonly string[]): LaunchOrder {
  const unnoted = new Set(names);
  const lines = readText(launchesPath(root)).split('\n').reverse();
  // The last line of a job is its last launch; one look at each line is all that a list of ten thousand jobs can afford.
  const noted = lines.filter((line) => {
    const idAt = line.lastIndexOf(' ') + 1;
    return line[idAt - hashLength - 2] === ' ' && unnoted.delete(line.slice(idAt));
  });
  return { launches: launchesIn(noted), unnoted };
}

function* launchesIn(lines: readonly string[]): Generator<Launch> {
  for (const line of lines) {
    const [start = '', cwdHash = '', id = ''] = line.split(' ');
    // What is no time may be the newest of all.
    const startedAtMs = Number.parseInt(start, 36);
    yield { id, startedAtMs: Number.isNaN(startedAtMs) ? Number.MAX_VALUE : startedAtMs, cwdHash };
  }
}

/** Lines that are tolerated for each job that there is, before the file is written anew. */
const linesPerJobMax = 4;

/** Writes the file anew when most of its lines are of deleted jobs. */
export function compactLaunchOrder(root: string, names: readonly string[]): void {
  const text = readText(launchesPath(root));
  const lines = text.split('\n').length;
  if (lines < 1_000 || lines < names.length * linesPerJobMax) return;
  const kept = [...readLaunchOrder(root, names).launches].reverse();
  const content = kept.map(({ id, startedAtMs, cwdHash }) => `${startedAtMs.toString(36)} ${cwdHash} ${id}\n`);
  replaceFile(launchesPath(root), content.join(''));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'EACCES') return '';
    throw error;
  }
}
