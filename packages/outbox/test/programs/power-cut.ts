/*
 * Cuts the power of a program that enqueues and drains: `power-cut.ts <node|bun> <directory> <cuts> <seed>`.
 *
 * The program runs under ptrace, which stops it at every fsync and fdatasync. What a disk would hold for certain is known there:
 *
 *   contents  of a file: its bytes when its last fsync or fdatasync returned (nothing before the first)
 *   names     of a directory: its entries when its last fsync returned
 *
 * A cut happens where a sync begins: all that was written since the last one is lost ('forgotten'), or half of it is there,
 * sector by sector, as a disk may write in any order ('torn'). The files of the cut are opened, and the oracle asks for
 * every record that the program had called acknowledged by then. Not modelled: a disk that lies about its flushes.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Runtime, runtimeWords, seeded } from '@kanade/testkit';
import koffi from 'koffi';
import { audit } from '../kill-rounds.ts';

const [, , runtime = 'node', directory = '', cutsText = '', seedText = ''] = process.argv;
const cutsMax = Number(cutsText);
const random = seeded(Number(seedText));
const sectorBytes = 512;

const libc = koffi.load('libc.so.6');
const ptrace = libc.func('long ptrace(long request, int pid, intptr_t address, void *data)');
const ptraceNumber = libc.func('ptrace', 'long', ['long', 'int', 'intptr_t', 'intptr_t']);
const waitpid = libc.func('int waitpid(int pid, _Out_ int *status, int options)');
// linux/ptrace.h, bits/waitflags.h
const request = { syscall: 24, seize: 0x4206, interrupt: 0x4207, syscallInfo: 0x420e };
const traceOptions = 0x1 | 0x8 | 0x100000; // TRACESYSGOOD, TRACECLONE, EXITKILL
const waitAll = 0x40000000;
const syncCalls = process.arch === 'arm64' ? [82, 83] : [74, 75];

const live = join(directory, 'live');
const path = join(live, 'outbox.db');
const said = join(directory, 'said');
mkdirSync(live);
const saidFile = openSync(said, 'a');
const [command, ...flags] = runtimeWords(runtime as Runtime);
const program = join(import.meta.dirname, 'enqueue-and-drain.ts');
const child = spawn(command, [...flags, program, path, runtime], { stdio: ['ignore', saidFile, 'inherit'] });
closeSync(saidFile);
const root = child.pid ?? 0;

/** What survives, by inode, and the names that lead to it. */
const contents = new Map<number, Buffer>();
let names = new Map<string, number>();
const syncing = new Map<number, number>();
const result = {
  runtime,
  cuts: 0,
  acknowledged: 0,
  lost: [] as string[],
  unknown: [] as string[],
  salvaged: 0,
  syncs: 0,
};

function synced(descriptor: number): void {
  const link = `/proc/${root}/fd/${descriptor}`;
  const target = readlinkSync(link);
  if (!target.startsWith(live)) return;
  result.syncs++;
  const state = statSync(link);
  if (state.isDirectory()) {
    names = new Map(readdirSync(live).map((name) => [name, statSync(join(live, name)).ino]));
  } else {
    contents.set(state.ino, readFileSync(link));
  }
}

/** Half of what was written since: per sector the old bytes or the new ones, and any length between both. */
function torn(durable: Buffer, name: string): Buffer {
  const now = readFileSync(join(live, name));
  const length =
    Math.min(durable.length, now.length) + Math.floor(random() * (Math.abs(now.length - durable.length) + 1));
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += sectorBytes) {
    const source = random() < 0.5 ? durable : now;
    source.subarray(at, Math.min(at + sectorBytes, length)).copy(bytes, at);
  }
  return bytes;
}

function heard(): { tried: Set<string>; acknowledged: Set<string>; delivered: Set<string> } {
  const oracle = { tried: new Set<string>(), acknowledged: new Set<string>(), delivered: new Set<string>() };
  for (const line of readFileSync(said, 'utf8').split('\n').slice(0, -1)) {
    const [step, id = ''] = line.split(' ');
    if (step === 't') oracle.tried.add(id);
    if (step === 'a') oracle.acknowledged.add(id);
    if (step === 'd') oracle.delivered.add(id);
  }
  return oracle;
}

const audits: Promise<void>[] = [];

function cut(): void {
  const oracle = heard();
  for (const kind of ['forgotten', 'torn'] as const) {
    const place = join(directory, `${kind}-${result.cuts}`);
    mkdirSync(place);
    for (const [name, inode] of names) {
      // The index of the WAL is shared memory, not data.
      if (name.endsWith('-shm')) continue;
      const durable = contents.get(inode) ?? Buffer.alloc(0);
      const exists = statSync(join(live, name), { throwIfNoEntry: false })?.ino === inode;
      writeFileSync(join(place, name), kind === 'torn' && exists ? torn(durable, name) : durable);
    }
    audits.push(check(place, oracle));
  }
  result.acknowledged = oracle.acknowledged.size;
  result.cuts++;
}

async function check(place: string, oracle: ReturnType<typeof heard>): Promise<void> {
  const { lost, unknown, events } = await audit(join(place, 'outbox.db'), oracle);
  result.lost.push(...lost.map((id) => `${place}: ${id}`));
  result.unknown.push(...unknown.map((id) => `${place}: ${id}`));
  result.salvaged += events.length;
  rmSync(place, { recursive: true });
}

function seize(tid: number): void {
  if (ptraceNumber(request.seize, tid, 0, traceOptions) !== 0)
    throw new Error(`PTRACE_SEIZE ${tid}: errno ${koffi.errno()}`);
  ptraceNumber(request.interrupt, tid, 0, 0);
}

/** One stop of one thread; returns the signal to hand on. */
function stopped(tid: number, status: number): number {
  const signal = (status >> 8) & 0xff;
  if (signal !== (5 | 0x80)) return status >> 16 === 0 && signal !== 5 ? signal : 0;
  const info = Buffer.alloc(88);
  ptrace(request.syscallInfo, tid, info.length, info);
  // struct ptrace_syscall_info: op at 0 (1 entry, 2 exit), nr at 24, first argument at 32.
  if (info[0] === 1 && syncCalls.includes(Number(info.readBigUInt64LE(24)))) {
    syncing.set(tid, Number(info.readBigUInt64LE(32)));
    if (result.cuts < cutsMax && random() < 0.3) cut();
  } else if (info[0] === 2 && syncing.has(tid)) {
    synced(syncing.get(tid) ?? 0);
    syncing.delete(tid);
  }
  return 0;
}

// One thread before the runtime starts; whatever it starts is traced from its birth.
for (const tid of readdirSync(`/proc/${root}/task`)) seize(Number(tid));
for (let isRunning = true; isRunning; ) {
  const status = [0];
  const tid = waitpid(-1, status, waitAll) as number;
  if (tid < 0) throw new Error(`waitpid: errno ${koffi.errno()}`);
  const word = status[0] ?? 0;
  if ((word & 0xff) === 0x7f) {
    const signal = stopped(tid, word);
    if (result.cuts >= cutsMax) child.kill('SIGKILL');
    ptraceNumber(request.syscall, tid, 0, signal);
  } else if (tid === root) isRunning = false;
}
await Promise.all(audits);
writeSync(1, `${JSON.stringify(result)}\n`);
process.exit(0);
