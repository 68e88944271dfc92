/**
 * Steps of a program: calls that change the disk or start a process. Whoever imports this before all else is killed right before the step whose
 * number is its second argument, counted while it says so.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';

const at = Number(process.argv[3]);
const require = createRequire(import.meta.url);
const named = {
  'node:fs': ['openSync', 'writeSync', 'writeFileSync', 'mkdirSync', 'renameSync', 'closeSync', 'rmSync'],
  'node:child_process': ['spawn'],
};
type Functions = Record<string, (...args: unknown[]) => unknown>;

export const steps = { isCounting: false, count: 0 };

function counted(functions: Functions, name: string): void {
  const original = functions[name];
  functions[name] = (...args) => {
    if (steps.isCounting && ++steps.count === at) process.kill(process.pid, 'SIGKILL');
    return original?.(...args);
  };
}
for (const [module, names] of Object.entries(named)) {
  for (const name of names) counted(require(module) as Functions, name);
}
const { Bun: bun } = globalThis as { Bun?: Functions };
if (bun) counted(bun, 'spawn');
syncBuiltinESMExports();
