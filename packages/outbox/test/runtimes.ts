import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Runtime, runtimeWords } from '@kanade/testkit';

const program = (name: string) => join(import.meta.dirname, 'programs', name);

export function runProgram(runtime: Runtime, name: string, args: readonly string[]) {
  const [command, ...flags] = runtimeWords(runtime);
  return spawnSync(command, [...flags, program(name), ...args], { encoding: 'utf8' });
}

/** Starts a program with its stdout as a pipe; end it by its handle. */
export function startProgram(runtime: Runtime, name: string, args: readonly string[]) {
  const [command, ...flags] = runtimeWords(runtime);
  return spawn(command, [...flags, program(name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}
