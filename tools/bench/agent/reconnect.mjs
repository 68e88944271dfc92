/**
 * Many agents on one broker that is killed and started again: s until the last of them has told its result of an order for all
 * that was given while it was away, against the time that the broker alone needs until it takes that order. The agents are whole
 * ones, in one process on Node (`herd.mjs`).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect } from '@nats-io/transport-node';
import { node } from '../cli/setup.mjs';
import { report } from '../report.mjs';
import { numberOption, percentile, rounded } from '../runner/setup.mjs';
import { processorMsOf, withFleet } from './setup.mjs';

const agents = numberOption('agents', 500);
const herdProgram = fileURLToPath(new URL('./herd.mjs', import.meta.url));

/** Resolves with the moments, in ms of this process, at which each agent has told its result of a request. */
function resultsOf(connection, requestId) {
  const moments = new Map();
  const all = Promise.withResolvers();
  connection.subscribe(`results.${requestId}`, {
    callback: (_, message) => {
      const { pc_id } = message.json();
      if (!moments.has(pc_id)) moments.set(pc_id, performance.now());
      if (moments.size === agents) all.resolve([...moments.values()]);
    },
  });
  return all.promise;
}

/** Gives an order for all until the broker has it; resolves with when that was. It comes too late: no process is started. */
async function orderAll(connection, requestId) {
  const order = { id: requestId, version: '1', request_id: requestId, exec_id: requestId };
  const late = { timeout_secs: 600, deadline_at: '2020-01-01T00:00:00Z' };
  const body = JSON.stringify({ ...order, shell: 'sh', script: 'true', ...late });
  for (;;) {
    try {
      await connection.request('commands.all', body, { timeout: 250 });
      return performance.now();
    } catch {
      // Not there yet; the request id makes a second one harmless.
    }
  }
}

async function consumersOn(connection) {
  const { streams } = (await connection.request('$JS.API.STREAM.LIST', '', { timeout: 10_000 })).json();
  return streams.reduce((sum, { state }) => sum + state.consumer_count, 0);
}

await withFleet(async ({ home, server, start, restartBroker }) => {
  const herd = start([node, herdProgram, home, server, String(agents)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    herd.stdout.once('data', resolve);
    herd.once('exit', () => reject(new Error('the agents could not start')));
  });
  const connection = await connect({ servers: server, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
  const first = resultsOf(connection, 'before');
  await connection.flush();
  await orderAll(connection, 'before');
  await first;
  const second = resultsOf(connection, 'after');
  await connection.flush();
  const killedMs = performance.now();
  const before = { herd: processorMsOf(herd) };
  const broker = await restartBroker();
  const takenMs = await orderAll(connection, 'after');
  const moments = (await second).map((ms) => (ms - killedMs) / 1000);
  const processorMs = { herd: processorMsOf(herd) - before.herd, broker: processorMsOf(broker) };
  // Each read takes a consumer and gives it back; what is left goes by itself after a minute of rest.
  const [atOnce, rested] = [await consumersOn(connection), await sleep(65_000).then(() => consumersOn(connection))];
  report({
    bench: 'agent:reconnect',
    unit: `s from the kill of the broker to the last of ${agents} results`,
    value: Math.max(...moments),
    peer: 'the broker alone: until it takes the order',
    peerValue: (takenMs - killedMs) / 1000,
    p50: rounded(percentile(moments, 0.5)),
    p99: rounded(percentile(moments, 0.99)),
    standingConsumers: rested,
    consumersAtOnce: atOnce,
    processorMs,
    goal: { standingConsumers: 0 },
    agents,
    runtime: 'node, all agents in one process',
  });
  await connection.close();
});
