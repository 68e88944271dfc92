import { natsServers } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { readHeld } from '../src/stream/read-held.ts';
import { openTestFleet } from './open-test-fleet.ts';

/** One more than are fetched at a time. */
const held = 257;

it.each(await natsServers())(
  'what comes while a stream is read is no fault of it, on nats-server $version',
  async ({ path }) => {
    await using site = await openTestFleet(path);
    const { fleet } = site;
    const publish = () => fleet.jetstream.publish('results.read', '{}');
    for (let count = 0; count < held; count++) await publish();
    let read = 0;
    for await (const _ of readHeld(fleet, { stream: 'RESULTS', from: 1 })) {
      // As many are left as before the fetch that comes next, whatever that brings.
      if (++read === held - 1) await publish();
    }
    expect(read).toBe(held);
  },
);
