import { spawn, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
const program = (name: string) => join(import.meta.dirname, 'programs', name);

/** The command that runs a TypeScript program of `test/programs` from source. */
export const runtimes = {
  node: [process.execPath, '--conditions=@kanade/source'],
  bun: [bunPath(), '--conditions=@kanade/source'],
} as const;

export type Runtime = keyof typeof runtimes;

export function runProgram(runtime: Runtime, name: string, args: readonly string[]) {
  const [command, ...flags] = runtimes[runtime];
  return spawnSync(command, [...flags, program(name), ...args], { encoding: 'utf8' });
}

/** Starts a program with its stdout as a pipe; end it by its handle. */
export function startProgram(runtime: Runtime, name: string, args: readonly string[]) {
  const [command, ...flags] = runtimes[runtime];
  return spawn(command, [...flags, program(name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function bunPath(): string {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const manifest = createRequire(join(root, 'package.json')).resolve(
    `@oven/bun-${process.platform}-${arch}/package.json`,
  );
  return join(manifest, '../bin', process.platform === 'win32' ? 'bun.exe' : 'bun');
}
