import { buckets, objectStores, streams } from '@kanade/shared/fleet';
import { natsServers, startNatsServer } from '@kanade/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { describe, expect, it } from 'vitest';
import { connectFleet } from '../src/index.ts';
import { createTopology, definitions, durability } from '../src/topology.ts';

describe.each(await natsServers())('topology on nats-server $version', ({ path }) => {
  it('createTopology makes everything once and changes nothing the second time', async () => {
    await using broker = await startNatsServer({ path });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    const names = definitions.map(({ name }) => name);
    expect(names).toEqual([
      ...Object.values(streams),
      ...Object.values(buckets).map((name) => `KV_${name}`),
      ...Object.values(objectStores).map((name) => `OBJ_${name}`),
    ]);
    const nothing = { created: [], updated: [], unchanged: [], kept: [], replicas: 1 };
    expect(await createTopology(fleet.connection)).toEqual({ ...nothing, created: names });
    expect(await createTopology(fleet.connection)).toEqual({ ...nothing, unchanged: names });
  });

  it('createTopology corrects what it needs, and leaves sizes and ages as an operator made them, and says so', async () => {
    await using broker = await startNatsServer({ path });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    const jsm = await jetstreamManager(fleet.connection);
    await jsm.streams.add({ name: 'RESULTS', subjects: ['results.*'], max_bytes: 1000, description: 'mine' });
    await fleet.jetstream.publish('results.r1', '{}');
    const report = await createTopology(fleet.connection);
    const ours = 2 * 1024 ** 3;
    expect(report).toMatchObject({ updated: ['RESULTS'] });
    expect(report.kept).toContainEqual({ stream: 'RESULTS', setting: 'max_bytes', is: 1000, ours });
    expect((await jsm.streams.info('RESULTS')).config).toMatchObject({ max_bytes: 1000, subjects: ['results.>'] });
    expect((await createTopology(fleet.connection)).updated).toEqual([]);
    expect(await createTopology(fleet.connection, { reset: true })).toMatchObject({ updated: ['RESULTS'], kept: [] });
    const { config, state } = await jsm.streams.info('RESULTS');
    expect(config).toMatchObject({ max_bytes: ours, description: 'mine' });
    expect(state.messages).toBe(1);
  });

  it('its buckets are what KV clients make of them: history, compare and swap', async () => {
    await using broker = await startNatsServer({ path });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    await createTopology(fleet.connection);
    const bucket = await new Kvm(fleet.jetstream).create('jobs', { history: 5 });
    const first = await bucket.create('k', 'one');
    await bucket.update('k', 'two', first);
    await expect(bucket.update('k', 'three', first)).rejects.toMatchObject({ code: 10071 });
    const values: string[] = [];
    for await (const entry of await bucket.history({ key: 'k' })) values.push(entry.string());
    expect(values).toEqual(['one', 'two']);
  });

  it('says not_enough_storage when the broker cannot reserve the space', async () => {
    await using broker = await startNatsServer({ path, storeBytesMax: 100 * 1024 ** 2 });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    await expect(createTopology(fleet.connection)).rejects.toMatchObject({
      code: 'not_enough_storage',
      message: expect.stringMatching(/^setting up RESULTS failed: .*; free disk space or raise max_file_store/),
    });
  });

  it('says too_few_servers when a lone server is to hold three copies', async () => {
    await using broker = await startNatsServer({ path });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    await expect(createTopology(fleet.connection, { replicas: 3 })).rejects.toMatchObject({ code: 'too_few_servers' });
  });

  it('says no_jetstream on a broker without it', async () => {
    await using broker = await startNatsServer({ path, jetstream: false });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    await expect(createTopology(fleet.connection)).rejects.toMatchObject({ code: 'no_jetstream' });
  });

  it('says topology_conflict when something else holds the subjects', async () => {
    await using broker = await startNatsServer({ path });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    const jsm = await jetstreamManager(fleet.connection);
    await jsm.streams.add({ name: 'OTHER', subjects: ['results.>'] });
    await expect(createTopology(fleet.connection)).rejects.toMatchObject({ code: 'topology_conflict' });
  });

  it('durability says in one line what an acknowledged message survives', async () => {
    await using broker = await startNatsServer({ path });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    await expect(durability(fleet.connection)).rejects.toMatchObject({ code: 'no_topology' });
    await createTopology(fleet.connection);
    expect(await durability(fleet.connection)).toMatchObject({
      serverVersion: broker.version,
      replicas: 1,
      onDisk: true,
      line: expect.stringMatching(
        /^nats-server \S+, one copy on disk: .* survive a crash of the server; a power cut may/,
      ),
    });
  });
});
