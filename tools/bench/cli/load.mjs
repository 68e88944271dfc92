/** What calls weigh, and what many at once do. */

import { median, report } from '../report.mjs';
import { executable, keepersOf, withJobs } from './setup.mjs';

const memory = () =>
  withJobs(({ kanade, call }) => {
    const { job_id: jobId } = kanade('run', '--', 'true');
    const rounds = 9;
    const residentMB = (...args) => median(Array.from({ length: rounds }, () => call(...args).residentBytes / 1e6));
    const calls = { status: ['status', jobId], run: ['run', '--', 'true'], tail: ['tail', jobId], list: ['list'] };
    const values = Object.fromEntries(Object.entries(calls).map(([name, args]) => [name, residentMB(...args)]));
    report({
      bench: 'cli:memory',
      unit: 'MB resident, the largest of four calls',
      value: Math.max(...Object.values(values)),
      peer: 'kanade --version',
      peerValue: residentMB('--version'),
      calls: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Math.round(value * 10) / 10])),
      goal: { MB: 45 },
      rounds,
      runtime: 'executable',
    });
  });

const [calls, atOnce] = [100, 16];

const parallel = () =>
  withJobs(async ({ dir, env, jobs }) => {
    const answers = [];
    let keepersMax = 0;
    let next = 0;
    const caller = async (...args) => {
      while (next++ < calls) {
        const words = [...executable, 'run', '--', ...args];
        const child = Bun.spawn(words, { cwd: dir, env, stdio: ['ignore', 'pipe', 'inherit'] });
        const [text, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
        answers.push({ code, ...JSON.parse(text) });
        keepersMax = Math.max(keepersMax, keepersOf(jobs).length);
      }
    };
    const side = async (callers) => {
      next = 0;
      const startedMs = performance.now();
      await Promise.all(Array.from({ length: callers }, () => caller('sh', '-c', 'echo x')));
      return (calls * 1000) / (performance.now() - startedMs);
    };
    const peerValue = await side(1);
    const value = await side(atOnce);
    const faults = {
      notExited: answers.filter(({ code, state, exit_code }) => code !== 0 || state !== 'exited' || exit_code !== 0)
        .length,
      incomplete: answers.filter(({ stdout }) => stdout !== 'x\n').length,
      duplicateIds: answers.length - new Set(answers.map(({ job_id }) => job_id)).size,
      hostsBeyondOne: Math.max(0, keepersMax - 1),
    };
    report({
      bench: 'cli:parallel',
      unit: 'calls/s',
      value,
      peer: 'one at a time',
      peerValue,
      faults,
      calls,
      atOnce,
      runtime: 'executable',
    });
  });

await { 'cli:memory': memory, 'cli:parallel': parallel }[process.argv[2]]();
