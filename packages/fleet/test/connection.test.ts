import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { connectFleet, listManifests, sendOrder } from '../src/index.ts';
import { openTestFleet } from './open-test-fleet.ts';

describe.each(await natsServers())('connectFleet on nats-server $version', ({ path }) => {
  it('presents its token, and says broker_refused when it is wrong or missing', async () => {
    await using broker = await startNatsServer({ path, token: 'right' });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test', token: 'right' });
    expect(fleet.serverVersion).toBe(broker.version);
    for (const token of ['wrong', undefined]) {
      await expect(connectFleet({ servers: broker.url, name: 'test', token })).rejects.toMatchObject({
        code: 'broker_refused',
        message: expect.not.stringContaining('wrong'),
      });
    }
  });

  it('comes back by itself when the broker does', async () => {
    await using opened = await openTestFleet(path);
    const reconnected = (async () => {
      for await (const status of opened.fleet.connection.status()) if (status.type === 'reconnect') return true;
      return false;
    })();
    await opened.broker.restart('SIGKILL');
    expect(await reconnected).toBe(true);
    expect(await listManifests(opened.fleet)).toEqual([]);
  });

  it('says no_topology before the set-up', async () => {
    await using broker = await startNatsServer({ path });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    const failure = { code: 'no_topology', message: expect.stringContaining('run "kanade fleet setup" once') };
    await expect(listManifests(fleet)).rejects.toMatchObject(failure);
    await expect(sendOrder(fleet, { jobId: 'a', targets: [{ kind: 'all' }] })).rejects.toMatchObject(failure);
  });
});

describe('connectFleet without a broker', () => {
  it.each(['nats://127.0.0.1:1', 'nats://user:secret@127.0.0.1:1', 'nats://name.invalid:4222'])(
    'says broker_unreachable for %s and no secret',
    async (servers) => {
      await expect(connectFleet({ servers, name: 'test' })).rejects.toMatchObject({
        name: 'FleetError',
        code: 'broker_unreachable',
        message: expect.not.stringContaining('secret'),
      });
    },
  );

  it('gives up on something that listens and says nothing, and at once when told to', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const servers = `nats://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    await expect(connectFleet({ servers, name: 'test', connectTimeoutMs: 50 })).rejects.toMatchObject({
      code: 'broker_unreachable',
    });
    const reason = new Error('enough');
    await expect(connectFleet({ servers, name: 'test', signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    silent.close();
  });
});
