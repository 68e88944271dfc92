import { readBrokerAccess } from '@kanade/fleet/connection';
import { natsServers, openTestLink, startNatsServer } from '@kanade/testkit';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { createBroker, lookAtStream, readStream } from '../src/fleet/connect.ts';
import { openOperator } from './operator.ts';

it('a read is given up when its connection goes, not when its time is over: nothing comes any more', async () => {
  const [server] = await natsServers();
  const broker = await startNatsServer({ path: server?.path ?? '' });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  await openOperator(broker.url);
  const link = await openTestLink(broker.port);
  onTestFinished(() => link[Symbol.asyncDispose]());
  const opened = Promise.withResolvers<NatsConnection>();
  const servers = [`nats://127.0.0.1:${link.port}`];
  const agentSide = createBroker({
    access: readBrokerAccess({ role: 'agent', env: {}, servers, isRoot: false, home: '/nowhere', cwd: '/' }),
    name: 'agent',
    onOpen: opened.resolve,
    onOnline: () => undefined,
    onState: () => undefined,
    log: createLogger('silent', () => undefined),
  });
  onTestFinished(() => agentSide[Symbol.asyncDispose]());
  const connection = await opened.promise;

  link.set('deaf');
  const { signal } = new AbortController();
  const reads = [
    lookAtStream(connection, 'RESULTS'),
    readStream(connection, { stream: 'EXEC', filter: 'commands.>', from: 1, signal }, () => undefined),
  ];
  link.set('open'); // which ends the connections of a deaf one
  for (const read of await Promise.allSettled(reads)) {
    expect(read).toMatchObject({ reason: { message: 'the connection to the broker went' } });
  }
});
