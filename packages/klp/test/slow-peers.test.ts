import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type ClientEvent, createUserRates, encodeFrame } from '../src/index.ts';
import { handshaken, request } from './raw-peer.ts';
import { connectTo, transports } from './serving.ts';

describe.each(transports)('over $name, a peer', ({ serve }) => {
  it('that reads late is told which pushes were dropped, and how many', async () => {
    const server = await serve();
    const duplex = await server.dial();
    const peer = await handshaken(duplex);
    duplex.pause();
    peer.send(request('1', 'push.burst', { count: 300, chars: 10_000, droppable: true }));
    await eventually('a push is dropped', () => server.events.some(({ kind }) => kind === 'push_dropped'));
    duplex.resume();
    const frames: Record<string, unknown>[] = [];
    while (frames.at(-1)?.id !== '1') frames.push(await peer.receive());
    const dropped = server.events.filter(({ kind }) => kind === 'push_dropped').length;
    const told = frames.filter(({ method }) => method === 'rpc.dropped');
    expect(told).toEqual([{ jsonrpc: '2.0', method: 'rpc.dropped', params: { counts: { 'burst.item': dropped } } }]);
    const methods = frames.map(({ method }) => method);
    expect(methods).toContain('burst.done');
    expect(methods.indexOf('rpc.dropped')).toBeLessThan(methods.indexOf('burst.done'));
    peer.send(request('2', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '2' });
  });

  it('that is a client hears of dropped pushes as an event', async () => {
    const server = await serve({ limits: { queueFramesMax: 4 } });
    const events: ClientEvent[] = [];
    const duplex = await server.dial();
    const client = connectTo({ dial: async () => duplex }, { onEvent: (event) => events.push(event) });
    await client.ready();
    // More than a socket takes: nothing is read here before this turn is over.
    const call = client.call('push.burst', { count: 400, chars: 10_000, droppable: true });
    duplex.pause();
    await eventually('a push is dropped', () => server.events.some(({ kind }) => kind === 'push_dropped'));
    duplex.resume();
    const { dropped } = await call;
    expect(dropped).toBeGreaterThan(0);
    expect(events).toEqual([{ kind: 'pushes_dropped', counts: { 'burst.item': dropped } }]);
  });

  it.each([
    ['frames', { queueFramesMax: 8, queueBytesMax: 1e9 }],
    ['bytes', { queueFramesMax: 1e9, queueBytesMax: 80_000 }],
  ])('that reads late loses droppable pushes by the number of %s', async (_name, limits) => {
    const server = await serve({ limits });
    const duplex = await server.dial();
    const peer = await handshaken(duplex);
    duplex.pause();
    peer.send(request('1', 'push.burst', { count: 300, chars: 10_000, droppable: true }));
    await eventually('a push is dropped', () => server.events.some(({ kind }) => kind === 'push_dropped'));
    duplex.resume();
    for (;;) if ((await peer.receive()).id === '1') break;
    expect(server.events.filter(({ kind }) => kind === 'push_dropped').length).toBeGreaterThan(200);
  });

  it.each([
    ['backlogFramesMax', { backlogFramesMax: 100, backlogBytesMax: 1e9 }, 100],
    ['backlogBytesMax', { backlogFramesMax: 1e9, backlogBytesMax: 1_000_000 }, 1_000_000],
  ])('that never reads is cut off by %s', async (limit, limits, maximum) => {
    const server = await serve({ limits });
    const duplex = await server.dial();
    const peer = await handshaken(duplex);
    duplex.pause();
    peer.send(request('1', 'push.burst', { count: 400, chars: 10_000, droppable: false }));
    expect(await server.connections[0]?.closed).toMatchObject({ kind: 'limit', passed: { limit, maximum } });
  });

  it('that takes nothing for too long is cut off', async () => {
    const server = await serve({ limits: { stallTimeoutMs: 30 } });
    const duplex = await server.dial();
    const peer = await handshaken(duplex);
    duplex.pause();
    peer.send(request('1', 'push.burst', { count: 300, chars: 10_000, droppable: true }));
    expect(await server.connections[0]?.closed).toMatchObject({
      kind: 'limit',
      passed: { limit: 'stallTimeoutMs', maximum: 30 },
    });
  });

  it('that does not finish a frame is cut off', async () => {
    const server = await serve({ limits: { frameTimeoutMs: 30 } });
    const peer = await handshaken(await server.dial());
    peer.sendBytes(encodeFrame('{"jsonrpc":"2.0","id":"1","method":"system.ping"}').subarray(0, 20));
    expect(await peer.ended).toEqual([]);
    expect(await server.connections[0]?.closed).toMatchObject({
      kind: 'limit',
      passed: { limit: 'frameTimeoutMs', maximum: 30 },
    });
  });

  it('cannot pass the rate of its user with a second connection, and others are not touched', async () => {
    const rates = createUserRates({ requestsPerUserPerMinute: 4 });
    const server = await serve({ userRate: rates.of('uid-1') });
    const first = await handshaken(await server.dial());
    first.send(request('1', 'system.ping'));
    expect(await first.receive()).toMatchObject({ id: '1', result: { pong: true } });
    const second = await handshaken(await server.dial());
    second.send(request('1', 'system.ping'));
    expect(await second.receive()).toMatchObject({ id: '1', result: { pong: true } });
    for (const peer of [first, second]) {
      peer.send(request('2', 'system.ping'));
      expect(await peer.receive()).toMatchObject({
        id: '2',
        error: {
          data: { kind: 'RateLimit', limit: { limit: 'requestsPerUserPerMinute', maximum: 4, actual: 5 } },
        },
      });
    }
    expect(rates.of('uid-2').take(performance.now())).toBe(true);
  });

  it('that reads late still gets everything that was queued before a close', async () => {
    const server = await serve({ limits: { lingerMs: 10_000 } });
    const duplex = await server.dial();
    const peer = await handshaken(duplex);
    duplex.pause();
    const filler = 'x'.repeat(10_000);
    for (let n = 0; n < 100; n += 1) void server.connections[0]?.push('burst.item', { n, filler });
    const closing = server.connections[0]?.close();
    duplex.resume();
    expect(await peer.ended).toHaveLength(100);
    duplex.end();
    await closing;
  });
});
