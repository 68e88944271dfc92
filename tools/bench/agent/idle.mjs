/** What an agent takes of one core when nothing is ordered, in percent: connected, away from its broker, and with 100 jobs that run. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { report } from '../report.mjs';
import { numberOption, rounded } from '../runner/setup.mjs';
import { freePort, holdJobs, openOperator, processorMsOf, startEmpty, withFleet } from './setup.mjs';

/** What the start leaves to do is done by then: pages are given back, jobs are quiet. */
const [restMs, lookMs, jobs] = [numberOption('rest', 45) * 1000, numberOption('seconds', 60) * 1000, 100];

await withFleet(async (fleet) => {
  const operator = await openOperator(fleet.server);
  const sides = {
    connected: await fleet.startAgent('connected'),
    away: await fleet.startAgent('away', { server: `nats://127.0.0.1:${await freePort()}` }),
    jobs: await fleet.startAgent('jobs'),
    empty: startEmpty(fleet, writeFileSync),
  };
  await holdJobs(operator, 'jobs', jobs);
  await sleep(restMs);
  const before = Object.fromEntries(Object.entries(sides).map(([side, child]) => [side, processorMsOf(child)]));
  await sleep(lookMs);
  const share = (side) => rounded(((processorMsOf(sides[side]) - before[side]) / lookMs) * 100);
  report({
    bench: 'agent:idle',
    unit: '% of a core, connected',
    value: share('connected'),
    peer: 'an empty program with a timer of a second',
    peerValue: share('empty'),
    away: share('away'),
    withJobs: share('jobs'),
    jobs,
    seconds: lookMs / 1000,
    goal: { percent: 0.2 },
    runtime: 'executable',
  });
  await operator.close();
});
