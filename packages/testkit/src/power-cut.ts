/*
 * Cuts the power of a program that keeps its state in a file, on Linux; for a process of its own, which does nothing else.
 *
 * The program runs under ptrace, which stops it at every fsync and fdatasync. What a disk would hold for certain is known there:
 *
 *   contents  of a file: its bytes when its last fsync or fdatasync returned (nothing before the first)
 *   names     of a directory: its entries when its last fsync returned
 *
 * A cut happens where a sync begins: all that was written since the last one is lost ('forgotten'), or half of it is there,
 * sector by sector, as a disk may write in any order ('torn'). What the program had said by then is its word: the check is given
 * the files of the cut, and holds them against it. Not modelled: a disk that lies about its flushes.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { seeded } from './seeded.ts';

export interface PowerCutOptions {
  /** An existing, empty directory. */
  readonly directory: string;
  /** The words that start the program; it keeps its files in `live`, without directories, and prints a line per step before anything follows from it. */
  readonly words: (live: string) => readonly [string, ...string[]];
  readonly cutsMax: number;
  readonly seed: number;
  /** Holds the files of a cut, in `place`, against the lines that were said by then. Both kinds of every cut are checked. */
  readonly check: (place: string, said: readonly string[]) => Promise<void>;
}

/** Runs the program until its power was cut so many times. */
export async function cutPower({ directory, words, cutsMax, seed, check }: PowerCutOptions) {
  const random = seeded(seed);
  const live = join(directory, 'live');
  const heard = join(directory, 'said');
  mkdirSync(live);
  const saidFile = openSync(heard, 'a');
  const [command, ...args] = words(live);
  const child = spawn(command, args, { stdio: ['ignore', saidFile, 'inherit'] });
  closeSync(saidFile);
  const root = child.pid ?? 0;
  const disk = createDisk(live, random);
  const checks: Promise<void>[] = [];
  let cuts = 0;
  let said: string[] = [];

  function cut(): void {
    said = readFileSync(heard, 'utf8').split('\n').slice(0, -1);
    for (const kind of ['forgotten', 'torn'] as const) {
      const place = join(directory, `${kind}-${cuts}`);
      disk.leave(place, kind);
      checks.push(check(place, said).then(() => rmSync(place, { recursive: true })));
    }
    cuts++;
  }

  traceSyncs(root, {
    onBegin: () => {
      if (cuts < cutsMax && random() < 0.3) cut();
    },
    onEnd: (descriptor) => disk.synced(`/proc/${root}/fd/${descriptor}`),
    onStop: () => {
      if (cuts >= cutsMax) child.kill('SIGKILL');
    },
  });
  await Promise.all(checks);
  return { cuts, syncs: disk.syncs(), said };
}

/** What survives of a directory. */
function createDisk(live: string, random: () => number) {
  const sectorBytes = 512;
  /** By inode, and the names that lead to it. */
  const contents = new Map<number, Buffer>();
  /** Where links lead, by inode: that stands with their name. */
  const links = new Map<number, string>();
  let names = new Map<string, number>();
  let syncs = 0;

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

  function entryOf(name: string): number {
    const path = join(live, name);
    const state = lstatSync(path);
    if (state.isSymbolicLink()) links.set(state.ino, readlinkSync(path));
    else links.delete(state.ino);
    return state.ino;
  }

  return {
    syncs: () => syncs,
    synced(link: string): void {
      if (!readlinkSync(link).startsWith(live)) return;
      syncs++;
      const state = statSync(link);
      if (state.isDirectory()) {
        names = new Map(readdirSync(live).map((name) => [name, entryOf(name)]));
      } else {
        contents.set(state.ino, readFileSync(link));
      }
    },
    leave(place: string, kind: 'forgotten' | 'torn'): void {
      mkdirSync(place);
      for (const [name, inode] of names) {
        // The index of the WAL is shared memory, not data.
        if (name.endsWith('-shm')) continue;
        const target = links.get(inode);
        if (target !== undefined) {
          symlinkSync(target.replace(live, place), join(place, name));
          continue;
        }
        const durable = contents.get(inode) ?? Buffer.alloc(0);
        const exists = lstatSync(join(live, name), { throwIfNoEntry: false })?.ino === inode;
        writeFileSync(join(place, name), kind === 'torn' && exists ? torn(durable, name) : durable);
      }
    },
  };
}

interface SyncListener {
  readonly onBegin: () => void;
  readonly onEnd: (descriptor: number) => void;
  /** At every stop of every thread. */
  readonly onStop: () => void;
}

/** Follows a process and all its threads until it ends, and stops them at every sync. Blocks. */
function traceSyncs(root: number, { onBegin, onEnd, onStop }: SyncListener): void {
  const libc = koffi.load('libc.so.6');
  const ptrace = libc.func('long ptrace(long request, int pid, intptr_t address, void *data)');
  const ptraceNumber = libc.func('ptrace', 'long', ['long', 'int', 'intptr_t', 'intptr_t']);
  const waitpid = libc.func('int waitpid(int pid, _Out_ int *status, int options)');
  // linux/ptrace.h, bits/waitflags.h
  const request = { syscall: 24, seize: 0x4206, interrupt: 0x4207, syscallInfo: 0x420e };
  const traceOptions = 0x1 | 0x8 | 0x100000; // TRACESYSGOOD, TRACECLONE, EXITKILL
  const waitAll = 0x40000000;
  const syncCalls = process.arch === 'arm64' ? [82, 83] : [74, 75];
  const syncing = new Map<number, number>();

  /** One stop of one thread; returns the signal to hand on. */
  function stopped(tid: number, status: number): number {
    const signal = (status >> 8) & 0xff;
    if (signal !== (5 | 0x80)) return status >> 16 === 0 && signal !== 5 ? signal : 0;
    const info = Buffer.alloc(88);
    ptrace(request.syscallInfo, tid, info.length, info);
    // struct ptrace_syscall_info: op at 0 (1 entry, 2 exit), nr at 24, first argument at 32.
    if (info[0] === 1 && syncCalls.includes(Number(info.readBigUInt64LE(24)))) {
      syncing.set(tid, Number(info.readBigUInt64LE(32)));
      onBegin();
    } else if (info[0] === 2 && syncing.has(tid)) {
      onEnd(syncing.get(tid) ?? 0);
      syncing.delete(tid);
    }
    return 0;
  }

  // One thread before the runtime starts; whatever it starts is traced from its birth.
  for (const tid of readdirSync(`/proc/${root}/task`).map(Number)) {
    if (ptraceNumber(request.seize, tid, 0, traceOptions) !== 0)
      throw new Error(`PTRACE_SEIZE ${tid}: errno ${koffi.errno()}`);
    ptraceNumber(request.interrupt, tid, 0, 0);
  }
  for (;;) {
    const status = [0];
    const tid = waitpid(-1, status, waitAll) as number;
    if (tid < 0) throw new Error(`waitpid: errno ${koffi.errno()}`);
    const word = status[0] ?? 0;
    if ((word & 0xff) === 0x7f) {
      const signal = stopped(tid, word);
      onStop();
      ptraceNumber(request.syscall, tid, 0, signal);
    } else if (tid === root) return;
  }
}
