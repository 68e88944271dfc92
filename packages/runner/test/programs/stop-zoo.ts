/** Stops each animal of the zoo: argv is a jobs root and, if need be, `hide-control-groups`. Prints what became of them. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathOf } from '@kanade/runner';
import { identify, isAlive } from '@kanade/runner/process';
import { type Animal, eventually, zoo } from '@kanade/testkit';
import { launchJob } from '../../src/life/launch.ts';
import { stopJob } from '../../src/life/stop.ts';

const [root = '', mode] = process.argv.slice(2);
if (mode === 'hide-control-groups') {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', 'none', '/sys/fs/cgroup']);
  if (status !== 0) throw new Error(`hiding the control groups failed: mount exited ${status}`);
}

async function stop({ name, script, printed, alive }: Animal) {
  const { job } = launchJob(root, { command: [script], cwd: root, shellWrapper: ['sh', '-c'] }, process.env);
  const pids = await eventually(`${name} is all there`, () => {
    const lines = readFileSync(pathOf(job, 'stdout'), 'utf8').split('\n').filter(Boolean);
    return lines.length >= printed && lines.map(Number);
  });
  const identities = pids.map((pid) => identify(pid));
  const { view, report } = await stopJob(job, { by: 'user', graceMs: 200 });
  const ending = view.state?.ending;
  return {
    name,
    alive: identities.filter((identity) => identity && isAlive(identity)),
    survivors: report?.survivors,
    sawAll: (report?.members.length ?? 0) >= alive,
    ending: ending?.kind === 'killed' ? `killed ${ending.by}` : ending,
  };
}

const told = [];
for (const animal of zoo) told.push(await stop(animal));
console.log(JSON.stringify(told));
