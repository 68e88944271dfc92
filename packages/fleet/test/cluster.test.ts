import { eventually, newestNatsServer, startNatsCluster } from '@kanade/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { connectFleet, putManifest, readManifest } from '../src/index.ts';
import { createTopology, definitions, durability } from '../src/topology.ts';
import { jobYaml } from './open-test-fleet.ts';

const { path, version } = await newestNatsServer();

describe(`a cluster of three, nats-server ${version}`, () => {
  it('keeps three copies, raises what has one, and a server that is frozen, or comes back empty, costs nothing', async () => {
    await using cluster = await startNatsCluster({ path });
    await using fleet = await connectFleet({ servers: cluster.url, name: 'test', pingEveryMs: 250 });
    const { connection } = fleet;
    const names = definitions.map(({ name }) => name);
    const isRetryable = (error: unknown): false => {
      if ((error as { retryable?: boolean }).retryable) return false;
      throw error;
    };
    // They were started just now: one call is enough, and says what it waits for.
    const waits: string[] = [];
    const report = await createTopology(connection, { onWaiting: (why) => waits.push(why) });
    expect(report).toMatchObject({ created: names, replicas: 3 });
    expect(waits).toEqual([...new Set(waits)]);
    for (const why of waits) expect(why).toMatch(/have not chosen a leader yet|has not enough servers/);
    await eventually('a job is put', () => putManifest(fleet, jobYaml('kept')).catch(isRetryable));
    expect(await createTopology(connection, { replicas: 1 })).toMatchObject({ updated: names, replicas: 1 });

    expect(await createTopology(connection)).toMatchObject({ updated: names, replicas: 3 });
    expect(await createTopology(connection)).toMatchObject({ unchanged: names, replicas: 3 });
    const jsm = await jetstreamManager(connection);
    for await (const { config } of jsm.streams.list()) expect(config.num_replicas).toBe(3);
    const isWhole = () => durability(connection).then(({ behind }) => behind.length === 0, isRetryable);
    await eventually('all copies are there', isWhole);
    expect(await durability(connection)).toMatchObject({ replicas: 3, line: expect.stringMatching(/loss of 1 of 3/) });

    const mine = cluster.servers.findIndex(({ port }) => connection.getServer().endsWith(`:${port}`));
    const reconnected = (async () => {
      for await (const { type } of connection.status()) if (type === 'reconnect') return;
    })();
    cluster.servers[mine]?.freeze();
    await reconnected;
    await eventually('an order is taken without it', () => putManifest(fleet, jobYaml('later')).catch(isRetryable));
    cluster.servers[mine]?.thaw();
    await eventually('all copies are there again', isWhole);

    const lost = (mine + 1) % 3;
    await cluster.servers[lost]?.stop('SIGKILL');
    await cluster.wipe(lost);
    await cluster.servers[lost]?.restart();
    await eventually('the empty server has its copies', isWhole);
    const read = (id: string) => eventually(id, () => readManifest(fleet, id).catch(isRetryable));
    expect([await read('kept'), await read('later')]).toMatchObject([{ id: 'kept' }, { id: 'later' }]);
  });
});
