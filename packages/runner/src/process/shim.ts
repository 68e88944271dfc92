/**
 * The shim: a tiny shell that leads a job's session, outlives the signals meant for the workload, and writes the
 * ending. It makes endings independent of us: whoever comes later reads the record.
 *
 * The record is the shim's stderr, a file opened for appending before the launch. Bytes:
 *
 *     \n                  written by the launcher, so that the file has its first block before anything runs
 *     pid 4711\n          written first by the shim, before the workload exists
 *     Terminated\n        only when a signal ended the workload: the shell's own report
 *     143\n               the exit status as the shell sees it; written last, then the shim exits
 *
 * So `exit 143` and death by SIGTERM stay distinguishable. A shell that reports nothing for a signal (INT and PIPE on
 * every shell; TERM when sh is bash) leaves the bare status; then a stop that we asked for decides.
 */
import { existsSync } from 'node:fs';

/** dash reports every fatal signal but INT and PIPE and is the smallest; `sh` is what every POSIX system has. */
export function shimShell(exists: (path: string) => boolean = existsSync): string {
  return exists('/bin/dash') ? '/bin/dash' : '/bin/sh';
}

/**
 * Arguments: the workload's words. File descriptors: 0 stdin, 1 stdout log, 2 the record, 3 stderr log; the workload gets
 * 0, 1 and 3 as its 0, 1, 2.
 */
export const shimScript = [
  'trap : HUP INT QUIT USR1 USR2 PIPE ALRM TERM',
  'echo "pid $$" >&2',
  '(exec "$@" 2>&3 3>&-)',
  'echo "$?" >&2',
].join('\n');

/** What a launcher writes into a record: a disk that is too full for it is too full for the ending. */
export const recordRoom = '\n';

/** What the record says: nothing yet, or how the workload ended. */
export type ShimRecord =
  | { readonly kind: 'empty' }
  | { readonly kind: 'started'; readonly pid: number }
  | {
      readonly kind: 'ended';
      readonly pid: number;
      readonly status: number;
      readonly reported: boolean;
    };

/** Reads a record; a half-written one reads as what is certain. Anything else than the format reads as empty. */
export function parseShimRecord(text: string): ShimRecord {
  const lines = (text.startsWith(recordRoom) ? text.slice(recordRoom.length) : text).split('\n');
  const first = /^pid (\d+)$/.exec(lines[0] ?? '');
  if (!first || lines.length < 2) return { kind: 'empty' };
  const pid = Number(first[1]);
  const last = lines[lines.length - 2] ?? '';
  if (text.endsWith('\n') && lines.length > 2 && /^\d{1,3}$/.test(last)) {
    return { kind: 'ended', pid, status: Number(last), reported: lines.length > 3 };
  }
  return { kind: 'started', pid };
}
