import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { OnTrace } from '../peer/trace.ts';
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

/**
 * Opens a file for traces (mode 0600, appended to). Writes block, so that a crash loses no line: for finding faults, not for every day.
 * Throws the system's error when it cannot be opened; when a line cannot be written, the trace ends in silence and what it watches goes on.
 */
export function openTraceFile(
  path: string,
  { bodies = false, bytesMax = traceBytesMax }: OpenTraceOptions = {},
): TraceFile {
  let fd: number | undefined = openSync(path, 'a', 0o600);
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
