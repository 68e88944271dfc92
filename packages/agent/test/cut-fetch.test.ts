/** A fetch of a release that is cut in the middle: by the line, by the death of the broker. It goes on where it stopped. */
import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as breathe } from 'node:timers/promises';
import { connectFleet } from '@kanade/fleet';
import { readBrokerAccess } from '@kanade/fleet/connection';
import { publishRelease } from '@kanade/fleet/releases';
import { createTopology } from '@kanade/fleet/topology';
import { releaseKey } from '@kanade/shared/fleet-words';
import { newestNatsServer, openTestLink, startNatsServer } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { createBroker } from '../src/fleet/connect.ts';
import { createReleaseObjects } from '../src/fleet/release-objects.ts';

const log = createLogger('silent', () => undefined);
/** Several requests to the broker, which hands 2 MiB over at each. */
const bytes = randomBytes(5 * 1024 * 1024 + 7);
const platform = 'linux-x86_64';

it.each(['the line', 'the broker', 'a broker that stays away'])('is cut by %s', async (by) => {
  const broker = await startNatsServer({ path: (await newestNatsServer()).path });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const fleet = await connectFleet({ servers: broker.url, name: 'operator' });
  onTestFinished(() => fleet[Symbol.asyncDispose]());
  await createTopology(fleet.connection);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  async function* whole() {
    yield bytes;
  }
  const files = [{ platform, sha256, size: bytes.length, open: whole }];
  await publishRelease(fleet, { version: '9.0.0', manifest: Buffer.from('signed'), files });
  const link = await openTestLink(broker.port);
  onTestFinished(() => link[Symbol.asyncDispose]());
  let online = Promise.withResolvers<void>();
  const machine = createBroker({
    access: readBrokerAccess({
      ...{ role: 'agent', env: {}, isRoot: false, home: '/nowhere', cwd: '/' },
      servers: [`nats://127.0.0.1:${link.port}`],
    }),
    name: 'agent',
    onOpen: () => undefined,
    onOnline: () => online.resolve(),
    onState: ({ kind }) => {
      if (kind === 'away') online = Promise.withResolvers();
    },
    log,
  });
  onTestFinished(() => machine[Symbol.asyncDispose]());
  await online.promise;

  const ending = new AbortController();
  const releases = createReleaseObjects({
    connection: () => machine.connection,
    untilOnline: () => online.promise,
    log,
  });
  const cut = async (): Promise<void> => {
    if (by === 'the line') return link.cut('reset');
    await broker.stop('SIGKILL');
    if (by === 'the broker') await broker.restart();
    else ending.abort(new Error('the agent ends'));
  };
  let [takers, isCut] = [0, false];
  const fetched = releases.read(releaseKey('9.0.0', platform), {
    signal: ending.signal,
    async take(parts) {
      takers++;
      const got: Uint8Array[] = [];
      for await (const part of parts) {
        got.push(part);
        if (isCut) continue;
        isCut = true;
        await cut();
        await breathe();
      }
      return Buffer.concat(got);
    },
  });
  if (by === 'a broker that stays away') return expect(fetched).rejects.toThrow('the agent ends');
  const read = await fetched;
  expect(read.kind === 'taken' && read.value.equals(bytes)).toBe(true);
  expect(takers).toBe(1);
});
