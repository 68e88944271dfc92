/**
 * `.host/launches`: one line per launch, so that a list of the newest jobs need not look at all of them. It is a hint
 * and no truth: a job that is not in it (the ancestor's, or one whose line was lost) is looked at as if there were no
 * hint, and lines of deleted jobs are passed over.
 *
 *     <start, ms since 1970, base 36> <hash of the working directory, 8 hexadecimal digits> <job id>\n
 */
import { closeSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errnoOf } from './job-error.ts';
import { hostDirName, type JobDir } from './layout.ts';
import { openForAppending, replaceFile } from './replace-file.ts';
import { makeHostDir } from './store.ts';

export interface Launch {
  readonly id: string;
  readonly startedAtMs: number;
  readonly cwdHash: string;
}

const pathIn = (root: string): string => join(root, hostDirName, 'launches');

/** Notes a launch. One short append, which the system does not mix with others. What the system says against it is no matter. */
export function noteLaunch(job: JobDir, startedAtMs: number, cwd: string): void {
  const root = dirname(job.path);
  try {
    makeHostDir(root);
    const fd = openForAppending(pathIn(root));
    try {
      writeSync(fd, `${startedAtMs.toString(36)} ${hashOf(cwd)} ${job.id}\n`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error; // the list looks at the job itself
  }
}

/** Launches that were noted of these jobs, newest first, each job once; `unnoted` are the others. */
export interface LaunchOrder {
  readonly launches: Iterable<Launch>;
  readonly unnoted: ReadonlySet<string>;
}

export function readLaunchOrder(root: string, names: readonly string[]): LaunchOrder {
  const unnoted = new Set(names);
  const lines = readText(pathIn(root)).split('\n').reverse();
  // The last line of a job is its last launch; one look at each line is all that a list of ten thousand jobs can afford.
  const noted = lines.filter((line) => {
    const idAt = line.lastIndexOf(' ') + 1;
    return line[idAt - hashLength - 2] === ' ' && unnoted.delete(line.slice(idAt));
  });
  return { launches: launchesIn(noted), unnoted };
}

/** Digits of a hash. */
const hashLength = 8;

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
  const text = readText(pathIn(root));
  const lines = text.split('\n').length;
  if (lines < 1_000 || lines < names.length * linesPerJobMax) return;
  const kept = [...readLaunchOrder(root, names).launches].reverse();
  const content = kept.map(({ id, startedAtMs, cwdHash }) => `${startedAtMs.toString(36)} ${cwdHash} ${id}\n`);
  replaceFile(pathIn(root), content.join(''));
}

/** FNV-1a, 32 bits: tells directories apart well enough to leave out most, and what is left is read. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16).padStart(hashLength, '0');
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
