/** What the benchmarks of the outbox share: the built package, a directory that goes, and files as the plain way to keep records. */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail, runTool } from '../../toolchain.mjs';

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
export const importOutbox = () => import(new URL('../../../packages/outbox/dist/index.js', import.meta.url).href);

/** Rows of the size that the agent's ledger has, in one file with the outbox, as the agent keeps them. */
const ledgerPart = {
  name: 'ledger',
  migrations: [
    `CREATE TABLE admission (
       pc_id TEXT NOT NULL, request_id TEXT NOT NULL, fingerprint TEXT NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL,
       run_id TEXT NOT NULL UNIQUE, admitted_at_ms INTEGER NOT NULL, checksum INTEGER, PRIMARY KEY (pc_id, request_id)
     ) STRICT`,
  ],
  tables: [{ name: 'admission' }],
};

/** Opens the durable file of an agent: its ledger and its outbox. */
export async function openState(path) {
  const { openDurable } = await import(new URL('../../../packages/durable/dist/index.js', import.meta.url).href);
  const { openOutbox, outboxPart } = await importOutbox();
  const durable = openDurable({ path, parts: [ledgerPart, outboxPart()] });
  const outbox = openOutbox({ durable });
  const order = new Uint8Array(300).fill(9);
  const admit = 'INSERT INTO admission VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
  return {
    outbox,
    /** A record, and a row of the ledger in the same commit. */
    enqueueWithLedger: (record) =>
      durable.commit(
        (tx) => {
          tx.sql(admit).run('pc-1', record.id, 'f'.repeat(64), 'commands.all', order, record.id, Date.now(), 1);
          return outbox.enqueueIn(tx, record);
        },
        { addsBytes: record.body.byteLength + 600 },
      ),
    forgetLedger: () => durable.transact((tx) => tx.sql('DELETE FROM admission').run()),
    async [Symbol.asyncDispose]() {
      await outbox[Symbol.asyncDispose]();
      await durable[Symbol.asyncDispose]();
    },
  };
}

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
