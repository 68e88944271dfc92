/**
 * Asking for the past: ms of `kanade fleet results --job X --since 1h` over 100,000 results of the last hour of which 1,000 are of that
 * job, against a bare consumer that takes the same messages and looks at none; what the call holds in memory; and a question for
 * the newest alone.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { connect } from '@nats-io/transport-node';
import { withFleet } from '../agent/setup.mjs';
import { executable } from '../cli/setup.mjs';
import { median, report } from '../report.mjs';
import { numberOption, rounded } from '../runner/setup.mjs';

// The library of the fleet's side, which the tools do not depend on.
const fleetRequire = createRequire(new URL('../../../packages/fleet/package.json', import.meta.url));
const { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } = fleetRequire('@nats-io/jetstream');

const [count, every, rounds] = [numberOption('results', 100_000), 100, numberOption('rounds', 5)];
/** What each run has printed. */
const stdout = 'a line of the output of a job\n'.repeat(20);

async function fill(connection) {
  const js = jetstream(connection);
  for (let from = 0; from < count; from += 1_000) {
    const sent = Array.from({ length: Math.min(1_000, count - from) }, (_, at) => {
      const request_id = randomUUID();
      const ids = { result_id: randomUUID(), request_id, exec_id: randomUUID(), pc_id: `pc-${(from + at) % 997}` };
      const times = { started_at: new Date().toISOString(), finished_at: new Date().toISOString() };
      const manifest_id = (from + at) % every === 0 ? 'wanted' : `other-${at % 50}`;
      const result = {
        ...ids,
        ...times,
        manifest_id,
        exit_code: 0,
        skipped: false,
        stdout,
        stderr: '',
        ending: 'exited',
      };
      return js.publish(`results.${request_id}`, JSON.stringify(result));
    });
    await Promise.all(sent);
  }
}

/** ms in which a consumer gets everything. */
async function takeAll(connection) {
  const startedMs = performance.now();
  const manager = await jetstreamManager(connection);
  const made = await manager.consumers.add('RESULTS', {
    ...{ name: randomUUID(), ack_policy: AckPolicy.None, deliver_policy: DeliverPolicy.All, mem_storage: true },
  });
  const consumer = jetstream(connection).consumers.getConsumerFromInfo(made);
  for (let left = count; left > 0; ) {
    for await (const _ of await consumer.fetch({ max_messages: Math.min(left, 256) })) left--;
  }
  await manager.consumers.delete('RESULTS', made.name);
  return performance.now() - startedMs;
}

/** Runs a call; how long it took, and the most memory that it held, as GNU time tells. */
function ask(server, ...words) {
  const env = { ...process.env, KANADE_NATS_URL: server };
  const startedMs = performance.now();
  const { stdout: said, status } = spawnSync(executable[0], [...executable.slice(1), 'fleet', ...words], {
    ...{ env, encoding: 'utf8', maxBuffer: 2 ** 28 },
  });
  const tookMs = performance.now() - startedMs;
  if (status !== 0) throw new Error(`exit ${status}: ${said.slice(0, 500)}`);
  return { tookMs, answer: JSON.parse(said) };
}

/** Most memory of one call, in MB: the highest mark that the system keeps of it. */
function peakMb(server, ...words) {
  const script = `"$@" >/dev/null & pid=$!; while kill -0 $pid 2>/dev/null; do grep VmHWM /proc/$pid/status; sleep 0.02; done 2>/dev/null`;
  const env = { ...process.env, KANADE_NATS_URL: server };
  const { stdout: marks } = spawnSync('sh', ['-c', script, 'sh', ...executable, 'fleet', ...words], {
    ...{ env, encoding: 'utf8' },
  });
  return Math.max(0, ...[...marks.matchAll(/(\d+) kB/g)].map(([, kb]) => Number(kb))) / 1024;
}

await withFleet(async ({ server }) => {
  const connection = await connect({ servers: server });
  await fill(connection);
  const wanted = ['results', '--job', 'wanted', '--since', '1h', '--limit', '10000'];
  const [all, newest, bare] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    bare.push(await takeAll(connection));
    const { tookMs, answer } = ask(server, ...wanted);
    if (answer.results.length !== count / every || !answer.complete) throw new Error('not all of them were found');
    all.push(tookMs);
    newest.push(ask(server, 'results', '--job', 'wanted', '--limit', '5').tookMs);
  }
  const id = ask(server, 'results', '--job', 'wanted', '--limit', '10000').answer.results.at(-1)?.result_id;
  report({
    bench: 'fleet:results',
    unit: 'ms for the 1,000 results of a job among 100,000 of the last hour, median',
    value: rounded(median(all)),
    peer: 'a bare consumer of the same messages',
    peerValue: rounded(median(bare)),
    newestFive: rounded(median(newest)),
    peakMb: { thousand: rounded(peakMb(server, ...wanted)), five: rounded(peakMb(server, 'results', '--limit', '5')) },
    oldest: id === undefined ? 'none' : 'found',
    results: count,
    runtime: 'executable',
  });
  await connection.close();
});
