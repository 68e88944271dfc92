/**
 * What an agent weighs beside an empty program of the same runtime, 100 s after it is ready: some heartbeats later, pages of the
 * start given back; without a broker, with one, and with 200 jobs that run. With `--long`: also before and after 10,000 runs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../../toolchain.mjs';
import { median, report } from '../report.mjs';
import { numberOption } from '../runner/setup.mjs';
import { holdJobs, openOperator, startEmpty, withFleet } from './setup.mjs';

const [rounds, restMs, jobs, longRuns] = [numberOption('rounds', 3), numberOption('rest', 100) * 1000, 200, 10_000];
const args = ['--jobs', join(root, 'examples/jobs')];

/** Resident and anonymous MB of a process. */
function weigh({ pid }) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kB = (name) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1]);
  return { resident: kB('Rss') / 1000, anonymous: kB('Anonymous') / 1000 };
}

function endOf(child) {
  const weight = weigh(child);
  child.kill('SIGTERM');
  return weight;
}

/** Resident MB of one agent over many runs, at rest after each share of them. */
async function overManyRuns(fleet, operator) {
  const agent = await fleet.startAgent('long');
  const weights = [];
  for (let done = 0; done <= longRuns; done += longRuns / 5) {
    if (done > 0) {
      for (let batch = 0; batch < longRuns / 5; batch += 100) {
        await Promise.all(Array.from({ length: 100 }, () => operator.order('long', 'echo hello').result));
      }
    }
    await sleep(restMs);
    weights.push(Math.round(weigh(agent).resident * 10) / 10);
  }
  return weights;
}

await withFleet(async (fleet) => {
  const operator = await openOperator(fleet.server);
  const weights = { alone: [], withBroker: [], withJobs: [], empty: [] };
  for (let round = 0; round < rounds; round++) {
    const alone = await fleet.startAgent(`alone-${round}`, { args, server: undefined });
    const withBroker = await fleet.startAgent(`fleet-${round}`, { args });
    const withJobs = await fleet.startAgent(`jobs-${round}`, { args });
    const empty = startEmpty(fleet, writeFileSync);
    await holdJobs(operator, `jobs-${round}`, jobs);
    await sleep(restMs);
    for (const [side, child] of Object.entries({ alone, withBroker, withJobs, empty }))
      weights[side].push(endOf(child));
  }
  const mb = (side, what) => Math.round(median(weights[side].map((weight) => weight[what])) * 10) / 10;
  const sides = Object.keys(weights).map((side) => [side, mb(side, 'anonymous')]);
  report({
    bench: 'agent:memory',
    unit: 'MB resident, connected to a broker',
    value: mb('withBroker', 'resident'),
    peer: 'an empty program',
    peerValue: mb('empty', 'resident'),
    anonymous: Object.fromEntries(sides),
    alone: mb('alone', 'resident'),
    withJobs: mb('withJobs', 'resident'),
    jobs,
    ...(process.argv.includes('--long') ? { every2000Runs: await overManyRuns(fleet, operator) } : {}),
    goal: { MB: 50 },
    rounds,
    runtime: 'executable',
  });
  await operator.close();
});
