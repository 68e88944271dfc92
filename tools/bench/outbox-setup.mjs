/** What the benchmarks of the outbox share: the built package, a directory that goes, and files as the plain way to keep records. */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, runTool } from '../toolchain.mjs';

/** The runtime of this process, as reports name it. */
export const runtime = process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`;

export const body = new Uint8Array(1024).fill(7);

/** Ids that grow, as those of clocks and counters do. */
export const idOf = (count) => String(count).padStart(12, '0');

/** The built package. */
export async function loadOutbox() {
  const status = runTool('nx', ['run', '@kanade/outbox:build', '--outputStyle=static'], {
    stdio: ['ignore', 'ignore', 2],
  });
  if (status !== 0) fail('building @kanade/outbox failed: see above');
  return importOutbox();
}

/** The same, without building it first: for programs that a benchmark starts. */
export const importOutbox = () => import(new URL('../../packages/outbox/dist/index.js', import.meta.url).href);

/** Gives a directory to `work` and removes it. */
export async function withDirectory(work) {
  const directory = mkdtempSync(join(tmpdir(), 'outbox-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs `callers` at once, each in a row, for `forMs`; returns how often `call` resolved per second. */
export async function perSecond({ callers, forMs }, call) {
  const startedMs = performance.now();
  let done = 0;
  const one = async () => {
    while (performance.now() - startedMs < forMs) {
      await call();
      done++;
    }
  };
  await Promise.all(Array.from({ length: callers }, one));
  return (done * 1000) / (performance.now() - startedMs);
}

/** A file per record, file and directory synced: one after the other, as synchronous code does it. */
export function writeFileRecord(directory, name, directoryFile) {
  const file = openSync(join(directory, name), 'w');
  writeSync(file, body);
  fsyncSync(file);
  closeSync(file);
  fsyncSync(directoryFile);
}

/** The same by asynchronous calls, which several callers can have under way at once. */
export async function writeFileRecordAsync(directory, name, directoryHandle) {
  const file = await open(join(directory, name), 'w');
  await file.write(body);
  await file.sync();
  await file.close();
  await directoryHandle.sync();
}
