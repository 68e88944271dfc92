/**
 * 1,000 runs of one script object of 200 kB: how often the agent fetched it (1), and ms from order to result, median, against the same
 * script in the order; in turns, one at a time (--rounds N).
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { executable } from '../cli/setup.mjs';
import { report } from '../report.mjs';
import { numberOption, percentile, rounded } from '../runner/setup.mjs';
import { openOperator, withFleet } from './setup.mjs';

const [rounds, warmUps] = [numberOption('rounds', 1_000), 20];
const script = `echo hello\nexit\n${'# a long script\n'.repeat(12_500)}`;
const sha256 = createHash('sha256').update(script).digest('hex');

await withFleet(async ({ home, server, startAgent }) => {
  const file = join(home, 'script.sh');
  writeFileSync(file, script);
  const env = { ...process.env, KANADE_NATS_URL: server };
  const put = spawnSync(executable[0], [...executable.slice(1), 'fleet', 'script', 'put', 'bench', '1', file], { env });
  if (put.status !== 0) throw new Error(`storing the script failed: ${put.stdout}${put.stderr}`);
  await startAgent('pc-1', { args: ['--log-level', 'info'] });
  const operator = await openOperator(server);
  const object = { script_object: 'bench/1', script_object_sha256: sha256 };
  const sides = { object: [], inline: [] };
  for (let round = -warmUps; round < rounds; round++) {
    for (const [side, text, more] of [
      ['object', '', object],
      ['inline', script, {}],
    ]) {
      const startedMs = performance.now();
      const { exit_code, stdout } = await operator.order('pc-1', text, more).result;
      const ms = performance.now() - startedMs;
      if (exit_code !== 0 || stdout !== 'hello\n')
        throw new Error(`a run of ${side} went wrong: ${exit_code} ${stdout}`);
      if (round >= 0) sides[side].push(ms);
    }
  }
  const logs = ['agent.log', 'agent.log.1'].map((name) => join(home, 'pc-1', name)).filter(existsSync);
  const fetches =
    logs
      .map((path) => readFileSync(path, 'utf8'))
      .join('')
      .split('fetched a script').length - 1;
  report({
    bench: 'agent:cache',
    unit: 'ms from order to result of a script object, median',
    value: rounded(percentile(sides.object, 0.5)),
    peer: 'the same script in the order',
    peerValue: rounded(percentile(sides.inline, 0.5)),
    p99: rounded(percentile(sides.object, 0.99)),
    peerP99: rounded(percentile(sides.inline, 0.99)),
    fetches,
    goal: { fetches: 1 },
    rounds,
    runtime: 'executable',
  });
  await operator.close();
});
