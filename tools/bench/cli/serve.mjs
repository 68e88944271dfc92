/** The HTTP door: what a job costs over a connection that stays, beside a call of the command line. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { interleave, report } from '../report.mjs';
import { callOf, executable, withJobs } from './setup.mjs';

const [rounds, warmUps] = [200, 10];

/** Runs `work` with calls to a server that goes with it. */
async function withServer({ dir, env }, work) {
  const address = join(dir, 'serve.url');
  const words = [...executable, 'serve', '--port', '0', '--address-file', address];
  const server = Bun.spawn(words, { cwd: dir, env, stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    while (!existsSync(address)) await Bun.sleep(5);
    const { port } = new URL(readFileSync(address, 'utf8').trim());
    const token = readFileSync(join(dir, '.local/share/agent-exec/serve.token'), 'utf8').trim();
    const agent = new Agent({ keepAlive: true });
    const ask = async (method, path, body) => {
      const headers = { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) };
      const asked = request({ host: '127.0.0.1', port, agent, method, path, headers });
      asked.end(body && JSON.stringify(body));
      const [response] = await once(asked, 'response');
      let text = '';
      for await (const chunk of response) text += chunk;
      const answer = JSON.parse(text);
      if (!answer.ok) throw new Error(text);
      return answer;
    };
    return await work(ask);
  } finally {
    server.kill('SIGTERM');
    await server.exited;
  }
}

const run = () =>
  withJobs((home) =>
    withServer(home, async (ask) => {
      const http = async () => {
        const startedMs = performance.now();
        const { state } = await ask('POST', '/exec', { command: ['true'] });
        if (state !== 'exited') throw new Error('the job did not end as it should');
        return performance.now() - startedMs;
      };
      const line = () => callOf([...executable, 'run', '--', 'true'], { cwd: home.dir, env: home.env }).tookMs;
      for (let warm = 0; warm < warmUps; warm++) [await http(), line()];
      const sides = [[], []];
      for (let round = 0; round < rounds; round++) {
        sides[0].push(await http());
        sides[1].push(line());
      }
      const [value, peerValue] = interleave(
        rounds,
        () => sides[0].pop(),
        () => sides[1].pop(),
      );
      const peer = 'kanade run -- true';
      report({
        bench: 'serve:run',
        unit: 'ms',
        value,
        peer,
        peerValue,
        rounds,
        goal: { ratio: 1 },
        runtime: 'executable',
      });
    }),
  );

await run();
