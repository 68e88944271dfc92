/** What the benchmarks of KLP share: the built package, programs that stay up and do as they are told, and the two runtimes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { bunPath } from '../../../apps/kanade/build/executable.mjs';
import { fail, runTool } from '../../toolchain.mjs';

export { errors } from '../../../packages/klp/test/errors.ts';

/** A file of the package as it is published. */
export const built = (entry) => new URL(`../../../packages/klp/dist/bundle/${entry}.js`, import.meta.url).href;

/** Name → program; every benchmark that opens sockets runs on both. */
export const runtimes = { node: process.execPath, bun: bunPath() };

export function buildKlp() {
  if (runTool('nx', ['run', '@kanade/klp:build', '--outputStyle=static'], { stdio: ['ignore', 'ignore', 2] }) !== 0) {
    fail('building @kanade/klp failed: see above');
  }
}

/** Gives a short directory to `work` and removes it. */
export async function withDirectory(work) {
  const directory = mkdtempSync(join(tmpdir(), 'klp-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Starts a program of this directory that answers each line on its input with one line of JSON. Ends when its input does. */
export async function startProgram(runtime, file, ...args) {
  const flags = runtime === 'node' ? ['--expose-gc'] : [];
  const words = [...flags, fileURLToPath(new URL(file, import.meta.url)), ...args];
  const child = spawn(runtimes[runtime], words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  async function read() {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${file} ${args.join(' ')} ended: exit ${child.exitCode}`);
    return JSON.parse(value);
  }
  const ready = await read();
  return {
    ready,
    pid: child.pid,
    ask: (command) => {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return read();
    },
    end: () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.stdin.end();
      return ended;
    },
  };
}

/** The other end of `startProgram`: says `ready`, then answers commands until the input ends. */
export async function answerCommands(ready, answer) {
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  for await (const line of createInterface(process.stdin)) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
}

/** Starts a server and a client of ours and of the peer, hands the clients to `work`, and ends all four. */
export function withPeers(runtime, work) {
  return withDirectory(async (directory) => {
    const programs = [];
    try {
      const clients = {};
      for (const side of ['klp', 'vscode-jsonrpc']) {
        const path = join(directory, side);
        programs.push(await startProgram(runtime, './peer.mjs', 'serve', side, path));
        clients[side] = await startProgram(runtime, './peer.mjs', 'call', side, path);
        programs.unshift(clients[side]);
      }
      return await work(clients);
    } finally {
      for (const program of programs) await program.end();
    }
  });
}

export const peerName = 'vscode-jsonrpc 10, same kind of socket, nothing validated';
