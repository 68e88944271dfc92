/**
 * Results with 8 MiB on both streams: the longest stall of the agent's event loop in ms, against the same orders with a line of output;
 * ms until the operator has the result, MB resident, and bytes that one result has the disk write, those of the job among them. With
 * `--base DIR` the same for the agent of another checkout, which is built. The agents run on Node, where the loop can be watched.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../../toolchain.mjs';
import { node } from '../cli/setup.mjs';
import { median, report } from '../report.mjs';
import { numberOption, rounded } from '../runner/setup.mjs';
import { openOperator, withFleet } from './setup.mjs';

const [rounds, bytes] = [numberOption('rounds', 20), 8 * 1024 * 1024];
const program = new URL('./large-agent.mjs', import.meta.url).pathname;
const at = process.argv.indexOf('--base');
const bases = { now: root, ...(at < 0 ? {} : { base: process.argv[at + 1] }) };
const scripts = {
  large: `yes 0123456789 | head -c ${bytes}; yes 0123456789 | head -c ${bytes} >&2`,
  small: 'echo 0123456789',
};

/** An agent of a checkout; its answers come one at a time. */
async function startAgent({ home, server, start }, id, checkout) {
  const place = join(home, id);
  const own = ['--id', id, '--data-dir', place, '--socket', `${place}.s`, '--allow-own-user', '--log-level', 'warn'];
  const module = pathToFileURL(join(checkout, 'packages/agent/dist/index.js')).href;
  const child = start([node, program, module, ...own, '--server', server], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const next = () => new Promise((resolve) => child.once('message', resolve));
  await next();
  return {
    ask(words) {
      const answer = next();
      child.send(words);
      return answer;
    },
  };
}

/** So many orders, one after the other. */
async function measure(agent, operator, { id, script }) {
  await operator.order(id, script).result;
  const before = await agent.ask('read');
  await agent.ask('reset');
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    await operator.order(id, script).result;
    times.push(performance.now() - startedMs);
  }
  const { stallMs, turnMs, processorMs, mostMB, written } = await agent.ask('read');
  return {
    stallMs: rounded(stallMs),
    turnMs: rounded(turnMs),
    processorMs: rounded((processorMs - before.processorMs) / rounds),
    deliveredMs: rounded(median(times)),
    residentMB: Math.round(mostMB),
    writtenMB: rounded((written - before.written) / rounds / 1e6),
  };
}

await withFleet(async (fleet) => {
  const operator = await openOperator(fleet.server);
  const sides = {};
  for (const [side, checkout] of Object.entries(bases)) {
    const agent = await startAgent(fleet, side, checkout);
    const small = await measure(agent, operator, { id: side, script: scripts.small });
    sides[side] = { ...(await measure(agent, operator, { id: side, script: scripts.large })), small };
  }
  const { small, ...large } = sides.now;
  report({
    bench: 'agent:large',
    unit: 'ms, longest stall of the loop over results of 8 MiB on both streams',
    value: large.stallMs,
    peer: 'the same orders with one line of output',
    peerValue: small.stallMs,
    ...large,
    ...(sides.base ? { base: sides.base } : {}),
    goal: { stallMs: 20 },
    rounds,
    runtime: 'node',
  });
  await operator.close();
});
