/**
 * Launches a job through the front door and is killed right before its n-th step: a call that changes the disk or starts a process.
 * argv: root, n, where the keeper is, and the words of the keeper. Prints how many steps there were when n is more than that.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';

const [root = '', at = '', keeper = '', ...keeperWords] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const steps = {
  'node:fs': ['openSync', 'writeSync', 'writeFileSync', 'mkdirSync', 'renameSync', 'closeSync', 'rmSync'],
  'node:child_process': ['spawn'],
};
type Functions = Record<string, (...args: unknown[]) => unknown>;
let count = 0;
let isCounting = false;
function counted(functions: Functions, name: string): void {
  const original = functions[name];
  functions[name] = (...args) => {
    if (isCounting && ++count === Number(at)) process.kill(process.pid, 'SIGKILL');
    return original?.(...args);
  };
}
for (const [module, names] of Object.entries(steps)) {
  for (const name of names) counted(require(module) as Functions, name);
}
const { Bun: bun } = globalThis as { Bun?: Functions };
if (bun) counted(bun, 'spawn');
syncBuiltinESMExports();
const { openJobs } = await import('@kanade/runner');
const jobs = openJobs(root, { keeper: keeper as 'here' | 'process', keeperWords });
isCounting = true;
const launched = jobs.launch({
  command: ['sleep 60'],
  cwd: root,
  shellWrapper: ['sh', '-c'],
  timeoutMs: 1_000,
  notification: { notify_file: `${root}/../told` },
});
launched.release();
isCounting = false;
console.log(String(count)); // a number would be coloured where colours are forced
process.exit();
