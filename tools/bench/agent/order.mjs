/**
 * One order at a time: ms from its publication to its result, both over NATS, against the same shell started without us. And a
 * burst of 500, in seconds, against as many shells, as many at a time as the agent has places for.
 */
import { spawn } from 'node:child_process';
import { median, report } from '../report.mjs';
import { percentile, rounded } from '../runner/setup.mjs';
import { openOperator, places, withFleet } from './setup.mjs';

const bench = process.argv[2];
const [rounds, warmUps, bursts, burstOrders] = [300, 30, 3, 500];
const script = 'echo hello';

const now = () => performance.now();

/** The same shell, its output read, until it has ended. */
function bareSpawn() {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.resume();
  child.stderr.resume();
  return new Promise((resolve) => child.once('close', resolve));
}

async function timed(work) {
  const startedMs = now();
  await work();
  return now() - startedMs;
}

async function orders(operator) {
  const sides = { order: [], bare: [] };
  for (let round = -warmUps; round < rounds; round++) {
    const order = await timed(() => operator.order('pc-1', script).result);
    const bare = await timed(bareSpawn);
    if (round < 0) continue;
    sides.order.push(order);
    sides.bare.push(bare);
  }
  const at = (side, share) => rounded(percentile(sides[side], share));
  report({
    bench,
    unit: 'ms from order to result, median',
    value: at('order', 0.5),
    peer: 'the same shell without us',
    peerValue: at('bare', 0.5),
    above: { p50: rounded(at('order', 0.5) - at('bare', 0.5)), p99: rounded(at('order', 0.99) - at('bare', 0.99)) },
    p99: at('order', 0.99),
    peerP99: at('bare', 0.99),
    goal: { p50: 10, p99: 40 },
    rounds,
    runtime: 'executable',
  });
}

/** So many shells, as many at a time as there are places. */
async function bareBurst() {
  let left = burstOrders;
  const lane = async () => {
    while (left-- > 0) await bareSpawn();
  };
  await Promise.all(Array.from({ length: places }, lane));
}

async function burst(operator) {
  await operator.order('pc-1', script).result;
  const sides = { order: [], bare: [] };
  for (let round = 0; round < bursts; round++) {
    const orderAll = () =>
      Promise.all(Array.from({ length: burstOrders }, () => operator.order('pc-1', script).result));
    sides.order.push(await timed(orderAll));
    sides.bare.push(await timed(bareBurst));
  }
  report({
    bench,
    unit: `s for ${burstOrders} orders to one agent, until the last result`,
    value: median(sides.order) / 1000,
    peer: `${burstOrders} bare shells, ${places} at a time`,
    peerValue: median(sides.bare) / 1000,
    goal: { ratio: 2 },
    rounds: bursts,
    runtime: 'executable',
  });
}

await withFleet(async ({ server, startAgent }) => {
  await startAgent('pc-1');
  const operator = await openOperator(server);
  await (bench === 'agent:burst' ? burst : orders)(operator);
  await operator.close();
});
