/**
 * Collecting: seconds from an order whose job names 200 MB of files to its result, the archive in its store by then, against what `zip
 * -1` takes for the archive alone; resident memory that the agent takes for it; and how long it takes to answer a ping meanwhile.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, report } from '../report.mjs';
import { numberOption, rounded } from '../runner/setup.mjs';
import { openOperator, withFleet } from './setup.mjs';

const [megabytes, files, rounds] = [numberOption('megabytes', 200), 20, numberOption('rounds', 3)];

/** Lines as a log has them, of words that come again: the same on every machine. */
function writeLogs(dir) {
  let state = 1;
  const next = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state;
  };
  const words = Array.from({ length: 3_000 }, () => next().toString(16));
  mkdirSync(dir);
  for (let nth = 0; nth < files; nth++) {
    const lines = [];
    for (let bytes = 0; bytes < (megabytes * 1e6) / files; ) {
      const line = `2026-11-27T09:15:${next() % 60} INFO ${Array.from({ length: 12 }, () => words[next() % 3_000]).join(' ')}`;
      lines.push(line);
      bytes += line.length + 1;
    }
    writeFileSync(join(dir, `${nth}.log`), `${lines.join('\n')}\n`);
  }
}

const residentMb = ({ pid }) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1000;

/** Looks at the agent until it is told to stop: most memory, longest answer. */
function watch(agent, connection) {
  const seen = { peakMb: 0, pingMs: 0 };
  let isOver = false;
  const over = (async () => {
    while (!isOver) {
      const sentMs = performance.now();
      await connection.request('agents.pc.ping', '', { timeout: 10_000 });
      seen.pingMs = Math.max(seen.pingMs, performance.now() - sentMs);
      seen.peakMb = Math.max(seen.peakMb, residentMb(agent));
      await sleep(10);
    }
  })();
  return {
    async end() {
      isOver = true;
      await over;
      return seen;
    },
  };
}

await withFleet(async (fleet) => {
  const operator = await openOperator(fleet.server);
  const logs = join(fleet.home, 'logs');
  writeLogs(logs);
  const agent = await fleet.startAgent('pc');
  await operator.order('pc', 'true').result;
  await sleep(3000); // what a start leaves to do is done by then
  const [seconds, zipSeconds] = [[], []];
  const before = residentMb(agent);
  const worst = { addedMb: 0, pingMs: 0 };
  for (let round = 0; round < rounds; round++) {
    const zipMs = performance.now();
    const zip = spawnSync('zip', ['-1', '-q', '-r', join(fleet.home, 'z.zip'), logs]);
    if (zip.status !== 0) throw new Error(`zip: ${zip.error ?? zip.stderr}`);
    zipSeconds.push((performance.now() - zipMs) / 1000);
    rmSync(join(fleet.home, 'z.zip'));
    const watched = watch(agent, operator.connection);
    const startMs = performance.now();
    const order = operator.order('pc', `echo '${JSON.stringify({ files: [`${logs}/*`] })}'`, {
      collect: { name: 'logs', max_size: '1GB' },
    });
    const { collect_object: key, stderr } = await order.result;
    seconds.push((performance.now() - startMs) / 1000);
    const { peakMb, pingMs } = await watched.end();
    if (!key) throw new Error(`nothing was collected: ${stderr}`);
    worst.addedMb = Math.max(worst.addedMb, peakMb - before);
    worst.pingMs = Math.max(worst.pingMs, pingMs);
  }
  report({
    bench: 'agent:collect',
    unit: 's from the order to its result',
    value: median(seconds),
    peer: 'zip -1, no upload',
    peerValue: median(zipSeconds),
    megabytes,
    addedMb: rounded(worst.addedMb),
    restMb: rounded(before),
    longestPingMs: rounded(worst.pingMs),
    rounds,
    goal: { ratio: 1.5, addedMb: 20 },
    runtime: 'executable',
  });
  await operator.close();
});
