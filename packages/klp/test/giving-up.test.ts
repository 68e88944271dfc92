import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type ClientEvent, KlpError } from '../src/index.ts';
import { createMemoryPair } from '../src/memory.ts';
import { createRawPeer, handshaken, request } from './raw-peer.ts';
import { connectTo, transports } from './serving.ts';

const cancel = (params: unknown) => ({ jsonrpc: '2.0', method: 'rpc.cancel', params });

describe.each(transports)('a request that is given up over $name', ({ serve }) => {
  it('is answered Cancelled at once, and its handler is told', async () => {
    const server = await serve();
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'reason.wait'));
    peer.send(cancel({ id: '1' }));
    expect(await peer.receive()).toEqual({
      jsonrpc: '2.0',
      id: '1',
      error: { code: -32007, message: 'Cancelled', data: { kind: 'Cancelled' } },
    });
    expect(server.abortReasons).toEqual([expect.objectContaining({ kind: 'Cancelled' })]);
    await eventually('the answer is discarded', () => server.events.some(({ kind }) => kind === 'answer_discarded'));
    expect(server.events).toMatchObject([
      { kind: 'request_refused', method: 'reason.wait', error: { kind: 'Cancelled' } },
      { kind: 'answer_discarded', method: 'reason.wait' },
    ]);
  });

  it('by an aborted call, is cancelled at the server', async () => {
    const server = await serve();
    const client = connectTo(server);
    await client.ready();
    const controller = new AbortController();
    const reason = new Error('enough');
    const call = client.call('reason.wait', {}, { signal: controller.signal });
    await client.call('system.ping');
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await eventually('the call is aborted', () => server.abortReasons.length === 1);
    expect(server.abortReasons).toMatchObject([{ kind: 'Cancelled' }]);
  });

  it('by a call that waited long enough, is cancelled at the server', async () => {
    const server = await serve();
    const client = connectTo(server);
    await client.ready();
    await expect(client.call('reason.wait', {}, { timeoutMs: 20 })).rejects.toMatchObject({
      kind: 'DeadlineExceeded',
      detail: 'call reason.wait: no answer within 20 ms',
    });
    await eventually('the call is aborted', () => server.abortReasons.length === 1);
    expect(server.abortReasons).toMatchObject([{ kind: 'Cancelled' }]);
  });

  it('while it waits for a place, is answered and never run', async () => {
    const server = await serve({ limits: { requestsInFlightMax: 1 } });
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'gate.wait', { gate: 'first' }));
    peer.send(request('2', 'gate.wait', { gate: 'second' }));
    peer.send(cancel({ id: '2' }));
    expect(await peer.receive()).toMatchObject({ id: '2', error: { data: { kind: 'Cancelled' } } });
    peer.send(request('3', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '3' });
    server.open('first');
    expect(await peer.receive()).toMatchObject({ id: '1', result: null });
    expect(server.waitingAt('second')).toBe(0);
  });

  it('keeps its place until its handler ends, and its id may be used again', async () => {
    const server = await serve({ limits: { requestsInFlightMax: 1, requestsWaitingMax: 1 } });
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'gate.ignore', { gate: 'a' }));
    peer.send(cancel({ id: '1' }));
    expect(await peer.receive()).toMatchObject({ id: '1', error: { data: { kind: 'Cancelled' } } });
    peer.send(request('1', 'session.count'));
    peer.send(request('2', 'session.count'));
    expect(await peer.receive()).toMatchObject({ id: '2', error: { data: { kind: 'RateLimit' } } });
    server.open('a');
    expect(await peer.receive()).toMatchObject({ id: '1', result: 1 });
    expect(server.events.at(-1)).toEqual({ kind: 'answer_discarded', method: 'gate.ignore' });
  });

  it.each([
    ['no params', undefined],
    ['an id that is no string', { id: 1 }],
    ['an id that nobody used', { id: '9' }],
    ['a list', ['1']],
  ])('by a cancel with %s, goes on', async (_name, params) => {
    const server = await serve();
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'gate.wait', { gate: 'a' }));
    peer.send(cancel(params));
    peer.send(request('2', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '2', result: { pong: true } });
    server.open('a');
    expect(await peer.receive()).toMatchObject({ id: '1', result: null });
    expect(server.events).toEqual([{ kind: 'message_ignored', messageKind: 'notification' }]);
  });

  it('takes no token for the cancel that ends it, and one for any other cancel', async () => {
    const server = await serve({ limits: { requestsPerMinute: 3 } });
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'reason.wait'));
    peer.send(cancel({ id: '1' }));
    expect(await peer.receive()).toMatchObject({ id: '1', error: { data: { kind: 'Cancelled' } } });
    peer.send(cancel({ id: '1' }));
    peer.send(cancel({ id: '1' }));
    expect(await peer.receive()).toMatchObject({ id: null, error: { data: { kind: 'RateLimit' } } });
  });

  it('can be cancelled while the server drains, which ends the drain', async () => {
    const server = await serve({ limits: { drainTimeoutMs: 600_000 } });
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'reason.wait'));
    peer.send(request('2', 'system.ping'));
    await peer.receive();
    const closing = server.connections[0]?.close();
    peer.send(cancel({ id: '1' }));
    expect(await peer.ended).toMatchObject([{ id: '1', error: { data: { kind: 'Cancelled' } } }]);
    peer.duplex.end();
    await closing;
  });

  it('is answered DeadlineExceeded when it runs too long, and its handler is told', async () => {
    const server = await serve({ limits: { requestTimeoutMs: 20 } });
    const client = connectTo(server);
    await client.ready();
    await expect(client.call('reason.wait')).rejects.toMatchObject({
      kind: 'DeadlineExceeded',
      detail: 'reason.wait: no answer within 20 ms',
    });
    expect(server.abortReasons).toMatchObject([{ kind: 'DeadlineExceeded' }]);
    expect(await client.call('system.ping')).toEqual({ pong: true });
  });

  it('is answered DeadlineExceeded when it waits too long for a place', async () => {
    const server = await serve({
      limits: { requestTimeoutMs: 20, requestsInFlightMax: 1 },
      timeoutsMs: { 'gate.wait': Number.POSITIVE_INFINITY },
    });
    const client = connectTo(server);
    await client.ready();
    const long = client.call('gate.wait', { gate: 'a' });
    await expect(client.call('session.count')).rejects.toMatchObject({ kind: 'DeadlineExceeded' });
    server.open('a');
    expect(await long).toBeNull();
    expect(await client.call('session.count')).toBe(1);
  });

  it('has the deadline of its method', async () => {
    const server = await serve({ timeoutsMs: { 'gate.wait': 20 } });
    const client = connectTo(server);
    await client.ready();
    const slow = client.call('gate.ignore', { gate: 'b' });
    await expect(client.call('gate.wait', { gate: 'a' })).rejects.toMatchObject({ kind: 'DeadlineExceeded' });
    server.open('b');
    expect(await slow).toBeNull();
  });

  it('is answered once, whichever comes first', async () => {
    const server = await serve({ limits: { requestTimeoutMs: 20 } });
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'gate.ignore', { gate: 'a' }));
    expect(await peer.receive()).toMatchObject({ id: '1', error: { data: { kind: 'DeadlineExceeded' } } });
    peer.send(cancel({ id: '1' }));
    server.open('a');
    peer.send(request('2', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '2' });
  });
});

describe('a client and a server that does not know cancel', () => {
  it('part as friends: the notification is ignored and the late answer reported', async () => {
    const { dial, ignored } = oldServer();
    const events: ClientEvent[] = [];
    const client = connectTo({ dial }, { onEvent: (event) => events.push(event) });
    await client.ready();
    await expect(client.call('gate.wait', { gate: 'a' }, { timeoutMs: 20 })).rejects.toBeInstanceOf(KlpError);
    await eventually('it is told', () => events.length === 1);
    expect(events).toEqual([{ kind: 'answer_unmatched', id: '2' }]);
    expect(ignored).toEqual(['rpc.cancel']);
    expect(client.state.kind).toBe('connected');
  });
});

/** Answers requests one after the other, the second one only after a notification, which it ignores. */
function oldServer() {
  const ignored: unknown[] = [];
  const dial = async () => {
    const pair = createMemoryPair();
    const peer = createRawPeer(pair.server);
    const play = async () => {
      const handshake = await peer.receive();
      peer.send({ jsonrpc: '2.0', id: handshake.id, result: { server: 'old', user: 'x' } });
      const slow = await peer.receive();
      ignored.push((await peer.receive()).method);
      peer.send({ jsonrpc: '2.0', id: slow.id, result: null });
    };
    void play();
    return pair.client;
  };
  return { dial, ignored };
}
