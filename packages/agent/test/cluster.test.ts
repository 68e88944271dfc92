/** An agent of a cluster: the server it is connected to is lost, and orders go on. */

import { connectFleet, followResults, putManifest, sendOrder } from '@kanade/fleet';
import { createTopology } from '@kanade/fleet/topology';
import { eventually, newestNatsServer, patienceMs, startNatsCluster } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { openSite } from './agent-process.ts';

const { path } = await newestNatsServer();
const job = 'id: job\nversion: 1.0.0\nexecute:\n  shell: sh\n  timeout: 1m\n  script: echo done\n';

it('an agent whose server is lost takes orders at another one, and says why it was away without a stack', async () => {
  await using cluster = await startNatsCluster({ path });
  await using fleet = await connectFleet({ servers: cluster.url, name: 'operator' });
  await eventually('the cluster is set up', () => createTopology(fleet.connection).catch(() => false as const));
  await putManifest(fleet, job);
  const site = await openSite();
  const agent = await site.start({ env: { KANADE_NATS_URL: cluster.url } });
  const run = async (): Promise<string> => {
    const order = await eventually('the order is taken', () =>
      sendOrder(fleet, { jobId: 'job', targets: [{ kind: 'pc', pc: 'pc-1' }] }).catch(() => false as const),
    );
    for await (const { stdout } of followResults(fleet, {
      requestId: order.requestId,
      signal: AbortSignal.timeout(patienceMs),
    }))
      return stdout;
    return 'none';
  };
  expect(await run()).toBe('done\n');
  const server = /"server":"127\.0\.0\.1:(\d+)"/.exec(agent.log())?.[1];
  const lost = cluster.servers.find(({ port }) => String(port) === server);
  expect(lost).toBeDefined();
  await lost?.stop('SIGKILL');
  expect(await run()).toBe('done\n');
  expect(agent.log()).toContain('the broker is away');
  expect((await agent.end()).stderr).not.toContain('"stack"');
});
