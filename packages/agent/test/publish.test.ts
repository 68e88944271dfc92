import type { DrainOptions, Outbox, QueuedRecord } from '@kanade/outbox';
import { natsServers, openTestLink, startNatsServer } from '@kanade/testkit';
import { connect } from '@nats-io/transport-node';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { createPublish } from '../src/fleet/publish.ts';
import { openOperator } from './operator.ts';

const record: QueuedRecord = {
  id: 'r-1',
  subject: 'results.r-1',
  headers: {},
  body: Buffer.from('{}'),
  priority: 0,
  orderKey: null,
  attempts: 0,
  enqueuedAtMs: 0,
  expiresAtMs: null,
};

it('gives a delivery up when its connection goes, long before its time is over', async () => {
  const [server] = await natsServers();
  const broker = await startNatsServer({ path: server?.path ?? '' });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  await openOperator(broker.url);
  const link = await openTestLink(broker.port);
  onTestFinished(() => link[Symbol.asyncDispose]());
  const connection = await connect({ servers: `127.0.0.1:${link.port}` });
  onTestFinished(() => connection.close());

  const awake = Promise.withResolvers<void>();
  const draining = Promise.withResolvers<DrainOptions>();
  const outbox: Pick<Outbox, 'drain' | 'wake' | 'quarantined' | 'list'> = {
    list: async () => [],
    quarantined: async () => [],
    drain: (options) => {
      draining.resolve(options);
      return new Promise(() => undefined);
    },
    wake: awake.resolve,
  };
  const publish = createPublish({
    outbox: outbox as Outbox,
    jobs: { at: () => ({ id: '', path: '' }), readBytes: () => ({ bytes: Buffer.alloc(0), totalBytes: 0 }) },
    log: createLogger('silent', () => undefined),
    signal: new AbortController().signal,
  });
  publish.online(connection);
  await awake.promise;

  link.set('deaf'); // the broker stores it; its answer never comes
  const { deliver, isOnline } = await draining.promise;
  const delivery = deliver(record, { deadlineMs: Date.now() + 3_600_000, signal: new AbortController().signal });
  publish.away();
  await expect(delivery).rejects.toThrow('the connection to the broker went');
  // Nobody is to blame: an attempt that ends while the broker is away does not count.
  expect(isOnline?.()).toBe(false);
});
