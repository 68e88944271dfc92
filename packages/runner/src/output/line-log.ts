/** `full.log`: both streams as lines for people. A view; the raw logs are the truth. */
import { closeSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { wholeSecond } from '@kanade/shared/job';
import { type JobDir, limits, pathOf } from '../job/layout.ts';

const chunkBytes = 64 * 1024;

/**
 * Writes the combined log from the raw ones: `<timestamp> [STDOUT|STDERR] <text>` per line, replacing what is there. Each stream
 * contributes at most {@link limits.fullLogStreamBytes}; a note says when there is more.
 */
export function writeFullLog(job: JobDir, atMs: number): void {
  // Nothing printed: the empty file of the launch already says so.
  if (statSync(pathOf(job, 'stdout')).size + statSync(pathOf(job, 'stderr')).size === 0) return;
  const temp = `${pathOf(job, 'full')}.tmp-${process.pid}`;
  const out = openSync(temp, 'w', 0o600);
  try {
    const stamp = wholeSecond(atMs);
    appendStream(out, pathOf(job, 'stdout'), `${stamp} [STDOUT] `);
    appendStream(out, pathOf(job, 'stderr'), `${stamp} [STDERR] `);
  } finally {
    closeSync(out);
  }
  renameSync(temp, pathOf(job, 'full'));
}

function appendStream(out: number, path: string, prefix: string): void {
  const source = openSync(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let pending = Buffer.alloc(0);
    let position = 0;
    for (;;) {
      const count = readSync(source, chunk, 0, chunk.length, position);
      if (count === 0) break;
      position += count;
      pending = writeLines(out, Buffer.concat([pending, chunk.subarray(0, count)]), prefix);
      if (position >= limits.fullLogStreamBytes) {
        writeSync(out, `${prefix}[kanade] the combined log shows the first ${position} bytes of this stream\n`);
        break;
      }
    }
    if (pending.length > 0) writeSync(out, `${prefix}${pending.toString('utf8')}\n`);
  } finally {
    closeSync(source);
  }
}

/** Writes the complete lines of `bytes` and returns the unfinished rest, which never exceeds the line limit. */
function writeLines(out: number, bytes: Buffer, prefix: string): Buffer<ArrayBuffer> {
  let text = '';
  let from = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
    text += `${prefix}${bytes.toString('utf8', from, at)}\n`;
    from = at + 1;
  }
  if (bytes.length - from > limits.fullLogLineBytes) {
    text += `${prefix}${bytes.toString('utf8', from)}\n`;
    from = bytes.length;
  }
  if (text !== '') writeSync(out, text);
  return Buffer.from(bytes.subarray(from));
}
