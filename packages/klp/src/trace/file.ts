import { closeSync, constants, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { OnTrace } from '../channel/channel.ts';
import { formatTrace } from './format.ts';

/** Bytes of a trace file; behind the line that says so nothing is written any more. */
export const traceBytesMax = 67_108_864;

export interface OpenTraceOptions {
  /** Also params, results and error details. Default false. */
  bodies?: boolean;
  /** Default 64 MiB, with what the file holds already. */
  bytesMax?: number;
}

export interface TraceFile extends Disposable {
  /** The hook of one connection; `label` stands in each of its lines. */
  trace(label: string): OnTrace;
}

/** It may hold secrets: a link in its place could lead others to them, and a file that others may read is closed to them. */
function openPrivate(path: string): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  if (fstatSync(fd).mode & 0o077) fchmodSync(fd, 0o600);
  return fd;
}

/**
 * Opens a file for traces (made 0600, appended to). Writes block, so that a crash loses no line: for finding faults, not for every day.
 * Throws the system's error when it cannot be opened, also for a symbolic link; when a line cannot be written, the trace ends in silence and what it watches goes on.
 */
export function openTraceFile(
  path: string,
  { bodies = false, bytesMax = traceBytesMax }: OpenTraceOptions = {},
): TraceFile {
  let fd: number | undefined = openPrivate(path);
  let written = fstatSync(fd).size;

  function close(): void {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  }

  function write(line: string): void {
    if (fd === undefined) return;
    try {
      written += writeSync(fd, `${line}\n`);
    } catch {
      // A full disk, mostly. The connection must not fail for its trace.
      close();
    }
  }

  return {
    trace: (label) => (entry) => {
      if (fd === undefined) return;
      write(formatTrace(entry, { label, atMs: Date.now(), bodies }));
      if (written < bytesMax) return;
      write(JSON.stringify({ trace: 'full', limit: 'bytesMax', maximum: bytesMax, actual: written }));
      close();
    },
    [Symbol.dispose]: close,
  };
}
