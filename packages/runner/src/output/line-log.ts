/** `full.log`: both streams as lines for people. A view; the raw logs are the truth. */
import { closeSync, openSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { wholeSecond } from '@kanade/shared/job';
import { type JobDir, limits, pathOf } from '../job/layout.ts';
import { readMeta } from '../job/record.ts';
import { followLines } from './follow.ts';

/** Text that is collected before it is written, in characters. */
const batchLength = 64 * 1024;

/**
 * Writes the combined log from the raw ones: `<timestamp> [STDOUT|STDERR] <text>` per line, replacing what is there.
 * Each stream contributes at most {@link limits.fullLogStreamBytes}; a note says when there is more.
 */
export function writeFullLog(job: JobDir, atMs: number): void {
  // Nothing printed: the empty file of the launch already says so.
  if (statSync(pathOf(job, 'stdout')).size + statSync(pathOf(job, 'stderr')).size === 0) return;
  const target = readMeta(job)?.full_log ?? pathOf(job, 'full');
  const temp = `${target}.tmp-${process.pid}`;
  rmSync(temp, { force: true }); // of a settler with our pid that was killed; never followed, should it be a link
  const out = openSync(temp, 'wx', 0o600);
  try {
    const stamp = wholeSecond(atMs);
    appendStream(out, pathOf(job, 'stdout'), `${stamp} [STDOUT] `);
    appendStream(out, pathOf(job, 'stderr'), `${stamp} [STDERR] `);
  } catch (error) {
    unlinkSync(temp); // what a full disk took of it would only fill it further
    throw error;
  } finally {
    closeSync(out);
  }
  renameSync(temp, target);
}

function appendStream(out: number, path: string, prefix: string): void {
  const follower = followLines(path, 0, limits.fullLogLineBytes);
  let batch = '';
  for (const line of follower.read(true)) {
    batch += `${prefix}${line}\n`;
    if (batch.length >= batchLength) {
      writeFileSync(out, batch);
      batch = '';
    }
    if (follower.offset >= limits.fullLogStreamBytes) {
      batch += `${prefix}[kanade] the combined log shows the first ${follower.offset} bytes of this stream\n`;
      break;
    }
  }
  if (batch !== '') writeFileSync(out, batch);
}
