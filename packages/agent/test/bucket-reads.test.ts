/** Reading the catalogue after a connect: only what has changed, and never less than that. */
import { join } from 'node:path';
import { openConnection, readBrokerAccess } from '@kanade/fleet/connection';
import { natsServers, seeded, startNatsServer, tempDir } from '@kanade/testkit';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { readChanged } from '../src/fleet/bucket-reads.ts';
import { createFleetCache } from '../src/store/fleet-cache.ts';
import { openStateFile } from '../src/store/state-file.ts';
import { openOperator } from './operator.ts';

const stream = 'KV_jobs';
const jobs = 300;
const manifest = (id: number, version = 1): string =>
  JSON.stringify({ id: `job-${id}`, version, text: 'x'.repeat(2_000) });

/** A catalogue on a broker, and an agent's copy of it. */
async function openCopy(path: string) {
  await using parts = new AsyncDisposableStack();
  const dir = parts.use(await tempDir());
  const broker = parts.use(await startNatsServer({ path }));
  const operator = await openOperator(broker.url);
  const access = readBrokerAccess({
    role: 'agent',
    env: { KANADE_NATS_URL: broker.url },
    isRoot: false,
    home: dir.path,
    cwd: dir.path,
  });
  const connect = () => openConnection(access, { name: 'copy', pauseMs: () => 10 });
  let connection = parts.use(await connect());
  const file = parts.use(openStateFile(join(dir.path, 'agent.db')));
  const closing = parts.move();
  onTestFinished(() => closing.disposeAsync());
  const cache = createFleetCache(file, 'pc-1');
  const { signal } = new AbortController();
  let admin = await jetstreamManager(connection);
  const options = {
    bucket: 'jobs',
    cache,
    keep: (change: () => void) => change(),
    log: createLogger('silent', () => undefined),
    signal,
  } as const;
  return {
    ...{ operator, cache },
    /** Bytes that came from the broker for a read. */
    async read(): Promise<number> {
      const before = connection.stats().inBytes;
      await readChanged(options, connection);
      return connection.stats().inBytes - before;
    },
    /** The server ends and begins again. */
    async restart(): Promise<void> {
      await connection.close(); // one that comes back would be lost to whatever is asked too early
      await broker.restart();
      connection = await connect();
      onTestFinished(() => connection.close());
      admin = await jetstreamManager(connection);
    },
    /** Makes the stream anew, with the same configuration and nothing in it. */
    async renew(): Promise<void> {
      const { config } = await admin.streams.info(stream);
      await admin.streams.delete(stream);
      await admin.streams.add(config);
    },
    purge: (key: string) => admin.streams.purge(stream, { filter: `$KV.jobs.${key}` }),
    remove: (key: string, operation: 'DEL' | 'PURGE') => remove(connection, key, operation),
    truth: (keys: readonly string[]) => truth(admin, keys),
  };
}

/** What a bucket holds, asked for key by key. */
async function truth({ streams }: JetStreamManager, keys: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const key of keys) {
    const message = await streams.getMessage(stream, { last_by_subj: `$KV.jobs.${key}` });
    if (message && !message.header.get('KV-Operation')) found.set(key, message.string());
  }
  return found;
}

const remove = async (connection: NatsConnection, key: string, operation: 'DEL' | 'PURGE'): Promise<void> => {
  const carried = headers();
  carried.set('KV-Operation', operation);
  if (operation === 'PURGE') carried.set('Nats-Rollup', 'sub');
  await connection.request(`$KV.jobs.${key}`, '', { headers: carried, timeout: 30_000 });
};

// What a read asks for is asked of both servers by the suites around it.
describe.each((await natsServers()).slice(-1))('the catalogue on nats-server $version', ({ path }) => {
  it(`of ${jobs} manifests only what has changed is read again`, async () => {
    const { operator, cache, read, renew, purge, remove, restart } = await openCopy(path);
    for (let from = 0; from < jobs; from += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, at) => operator.put('jobs', `job-${from + at}`, manifest(from + at))),
      );
    expect(await read()).toBeGreaterThan(jobs * 2_000);
    expect(cache.manifests()).toHaveLength(jobs);
    expect(await read()).toBeLessThan(2_000);

    await operator.put('jobs', 'job-7', manifest(7, 2));
    await operator.put('jobs', 'new', manifest(0));
    await remove('job-8', 'DEL');
    await remove('job-9', 'PURGE');
    expect(await read()).toBeLessThan(jobs * 600);
    expect(cache.manifest('job-7')).toBe(manifest(7, 2));
    expect(cache.manifest('new')).toBe(manifest(0));
    expect([cache.manifest('job-8'), cache.manifest('job-9')]).toEqual([undefined, undefined]);
    expect(await read()).toBeLessThan(2_000);

    // Nobody of ours takes anything away without a word. Somebody else may.
    await purge('job-10');
    await read();
    expect(cache.manifest('job-10')).toBeUndefined();
    expect(cache.manifests()).toHaveLength(jobs - 2);

    // What a server that began anew holds in these places nobody knows.
    await restart();
    expect(await read()).toBeGreaterThan(jobs * 1_900);
    await renew();
    expect(await read()).toBeLessThan(2_000);
    expect(cache.manifests()).toEqual([]);
  });

  it('whatever is done to it, the copy is what the broker holds', async () => {
    const { operator, cache, read, renew, purge, remove, truth } = await openCopy(path);
    const random = seeded(Number(process.env.KANADE_SEED ?? 20_261_127));
    const keys = Array.from({ length: 8 }, (_, index) => `k${index}`);
    const below = (count: number): number => Math.floor(random() * count);
    const some = (): string => keys[below(keys.length)] ?? '';
    for (let round = 0; round < 20; round++) {
      for (let change = below(4); change >= 0; change--) {
        const key = some();
        const kind = below(10);
        if (kind < 5) await operator.put('jobs', key, `${round} ${change} ${key}`);
        else if (kind < 7) await remove(key, 'DEL');
        else if (kind < 8) await remove(key, 'PURGE');
        else if (kind < 9) await purge(key);
        // Live changes come without their places.
        else cache.put('jobs', key, { value: Buffer.from('not what the broker says') });
      }
      if (below(15) === 0) await renew();
      // A change of this copy alone is no change of the bucket: a live one is always both.
      await operator.put('jobs', some(), `${round}`);
      await read();
      const said = new Map(cache.manifests().map(({ id, text }) => [id, text]));
      expect({ round, said: [...said].sort() }).toEqual({ round, said: [...(await truth(keys))].sort() });
    }
  });
});
