import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type ClientEvent, KlpError } from '../src/index.ts';
import { connectTo, transports } from './serving.ts';

describe.each(transports)('a subscription over $name', ({ serve }) => {
  it('is made again on every new connection, before anybody is told that it is connected', async () => {
    const server = await serve();
    let standing: unknown[] = [];
    // The hook hears of every state; who follows states() slowly is given the newest.
    const onState = ({ kind }: { kind: string }): void => {
      if (kind !== 'connecting') standing.push([kind, subscription?.current]);
    };
    let subscription: { readonly current: unknown } | undefined;
    const client = connectTo(server, { onState });
    subscription = await client.subscribe('item.subscribe', {});
    expect(subscription.current).toEqual({ subscription: 'sub-1' });
    standing = [];
    await server.connections[0]?.close();
    await eventually('it stands again', () => standing.length === 2);
    expect(standing).toEqual([
      ['away', undefined],
      ['connected', { subscription: 'sub-1' }],
    ]);
    expect(server.sessions.map(({ subscribed }) => subscribed)).toEqual([1, 1]);
  });

  it('is taken back when it is closed, once, and not made again', async () => {
    const server = await serve();
    const client = connectTo(server);
    const subscription = await client.subscribe(
      'item.subscribe',
      {},
      {
        unsubscribe: (result) => client.call('item.unsubscribe', result),
      },
    );
    await subscription.close();
    await subscription.close();
    expect(server.sessions[0]?.unsubscribed).toEqual(['sub-1']);
    expect(subscription.current).toBeUndefined();
    await server.connections[0]?.close();
    await client.ready();
    await eventually('a second session', () => server.sessions.length === 2);
    await client.ready();
    expect(server.sessions[1]?.subscribed).toBe(0);
  });

  it('waits for a connection, unless it is told not to', async () => {
    const server = await serve();
    let isUp = false;
    const client = connectTo({
      dial: (options) => (isUp ? server.dial(options) : Promise.reject(new Error('nobody there'))),
    });
    const reason = new Error('enough');
    await expect(client.subscribe('item.subscribe', {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const waiting = client.subscribe('item.subscribe', {});
    isUp = true;
    expect((await waiting).current).toEqual({ subscription: 'sub-1' });
  });

  it('that the server refuses, is refused to the caller', async () => {
    const client = connectTo(await serve());
    await expect(client.subscribe('fail.politely', {})).rejects.toMatchObject({ kind: 'NotFound' });
  });

  it('that a later server refuses, leaves the connection standing and is reported', async () => {
    const server = await serve({
      handlers: {
        'system.handshake': () => ({ server: 'newer', user: 'x' }),
        'item.subscribe': () => {
          if (server.sessions.length > 1) throw new KlpError('NotFound', 'gone');
          return { subscription: 'a' };
        },
      },
    });
    const events: ClientEvent[] = [];
    const client = connectTo(server, { onEvent: (event) => events.push(event) });
    const subscription = await client.subscribe('item.subscribe', {});
    await server.connections[0]?.close();
    await eventually('a second session', () => server.sessions.length === 2);
    await client.ready();
    expect(events).toMatchObject([
      { kind: 'connection_lost' },
      { kind: 'subscription_failed', method: 'item.subscribe', error: { kind: 'NotFound' } },
    ]);
    expect(subscription.current).toBeUndefined();
  });

  it('that fails to be renewed for now, drops the connection and is tried again', async () => {
    const server = await serve({
      handlers: {
        'system.handshake': () => ({ server: 'flaky', user: 'x' }),
        'item.subscribe': () => {
          if (server.sessions.length === 2) throw new KlpError('RateLimit');
          return { subscription: String(server.sessions.length) };
        },
      },
    });
    const client = connectTo(server);
    const subscription = await client.subscribe('item.subscribe', {});
    await server.connections[0]?.close();
    await eventually('the third subscription', () => subscription.current?.subscription === '3');
    await client.ready();
    expect(server.sessions).toHaveLength(3);
  });

  it('is over when the client is closed', async () => {
    const client = connectTo(await serve());
    const subscription = await client.subscribe(
      'item.subscribe',
      {},
      {
        unsubscribe: (result) => client.call('item.unsubscribe', result),
      },
    );
    await client.close();
    expect(subscription.current).toBeUndefined();
    await subscription.close();
    await expect(client.subscribe('item.subscribe', {})).rejects.toMatchObject({ kind: 'Disconnected' });
  });
});

describe.each(transports)('the states of a client over $name', ({ serve }) => {
  it('are the present one and each change, and end with the last', async () => {
    const server = await serve();
    const client = connectTo(server);
    const kinds: string[] = [];
    for await (const { kind } of client.states()) {
      kinds.push(kind);
      if (kinds.length === 2) void server.connections[0]?.close();
      if (kind === 'connected' && kinds.length > 3) void client.close();
    }
    expect(kinds).toEqual(['connecting', 'connected', 'away', 'connecting', 'connected', 'closed']);
  });

  it('are the newest to a reader that is slow', async () => {
    const client = connectTo(await serve());
    const states = client.states();
    expect((await states.next()).value).toEqual({ kind: 'connecting' });
    await client.ready();
    await client.close();
    expect((await states.next()).value).toEqual({ kind: 'closed' });
    expect(await states.next()).toEqual({ done: true, value: undefined });
  });

  it('end with the reason of the signal', async () => {
    const client = connectTo(await serve());
    const controller = new AbortController();
    const states = client.states({ signal: controller.signal });
    await states.next();
    await states.next();
    const next = states.next();
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(next).rejects.toBe(reason);
  });
});
