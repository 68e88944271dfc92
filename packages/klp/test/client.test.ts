import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { eventually } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ClientEvent, type ClientState, encodeError, encodeFrame, KlpError } from '../src/index.ts';
import { createMemoryPair } from '../src/memory.ts';
import { dialLocal } from '../src/socket.ts';
import { errors } from './errors.ts';
import { createRawPeer, type RawPeer } from './raw-peer.ts';
import { connectTo, serveInMemory, serveOnSocket, temporaryDirectory } from './serving.ts';

/** A server end that the test plays by hand; each dial opens a new one. */
function playServer(play: (peer: RawPeer, attempt: number) => void) {
  let attempts = 0;
  return {
    attempts: () => attempts,
    dial: async (): Promise<Duplex> => {
      const pair = createMemoryPair();
      attempts += 1;
      play(createRawPeer(pair.server), attempts);
      return pair.client;
    },
  };
}

async function shakeHands(peer: RawPeer): Promise<void> {
  const { id } = await peer.receive();
  peer.send({ jsonrpc: '2.0', id, result: { server: 'played', user: 'x' } });
}

describe('connectClient', () => {
  it('comes back after the server was restarted, subscribes again, and keeps its iterators', async () => {
    const path = join(temporaryDirectory(), 'test.sock');
    const first = await serveOnSocket({ path });
    const states: string[] = [];
    const subscribed: unknown[] = [];
    const client = connectTo(
      { dial: (options) => dialLocal({ path, signal: options?.signal }) },
      {
        onState: (state) => states.push(state.kind),
        onConnected: async ({ call }) => {
          subscribed.push(await call('session.count'));
        },
      },
    );
    const items = client.pushes('burst.item');
    await client.ready();
    await client.call('push.burst', { count: 1, chars: 1, droppable: false });
    expect((await items.next()).value).toEqual({ n: 0, filler: 'x' });
    await first.stop();
    await eventually('the client is away', () => client.state.kind === 'away');
    await expect(client.call('system.ping')).rejects.toMatchObject({ kind: 'Disconnected' });
    await serveOnSocket({ path });
    await client.ready();
    await client.call('push.burst', { count: 2, chars: 2, droppable: false });
    expect((await items.next()).value).toEqual({ n: 0, filler: 'xx' });
    expect(subscribed).toEqual([1, 1]);
    expect(states.slice(0, 2)).toEqual(['connected', 'away']);
  });

  it('rejects pending calls when the connection drops, and connects again at once', async () => {
    const server = playServer((peer, attempt) => {
      void shakeHands(peer).then(async () => {
        if (attempt > 1) return;
        await peer.receive();
        peer.duplex.destroy();
      });
    });
    const delays: number[] = [];
    const client = connectTo(server, { onState: (state) => state.kind === 'away' && delays.push(state.retryInMs) });
    await client.ready();
    await expect(client.call('system.ping')).rejects.toMatchObject({ kind: 'Disconnected' });
    await eventually('a second attempt', () => server.attempts() === 2);
    await client.ready();
    expect(delays).toEqual([0]);
  });

  it('waits longer each time a server drops it right after the handshake', async () => {
    const server = playServer((peer) => {
      void shakeHands(peer).then(() => peer.duplex.end());
    });
    const delays: number[] = [];
    const client = connectTo(server, { onState: (state) => state.kind === 'away' && delays.push(state.retryInMs) });
    await eventually('five delays', () => delays.length >= 5);
    await client.close();
    const longest = [0, 5, 10, 20, 20];
    for (const [at, longestMs] of longest.entries()) {
      expect(delays[at]).toBeLessThanOrEqual(longestMs);
      expect(delays[at]).toBeGreaterThanOrEqual(0.8 * longestMs);
    }
  });

  it('stops for good when it is refused', async () => {
    const server = playServer((peer) => {
      peer.duplex.end(encodeFrame(encodeError(null, new KlpError('Unauthorized', 'uid 7 is not served'), errors)));
    });
    const client = connectTo(server);
    const items = client.pushes('burst.done');
    await expect(client.ready()).rejects.toMatchObject({ kind: 'Unauthorized', detail: 'uid 7 is not served' });
    expect(client.state.kind).toBe('refused');
    await expect(client.call('system.ping')).rejects.toMatchObject({ kind: 'Unauthorized' });
    expect(await items.next()).toEqual({ done: true, value: undefined });
    expect(server.attempts()).toBe(1);
  });

  it('tries again after a handshake that was answered with an error', async () => {
    const server = playServer((peer, attempt) => {
      if (attempt > 1) return void shakeHands(peer);
      void peer
        .receive()
        .then(({ id }) => peer.sendBytes(encodeFrame(encodeError(String(id), new KlpError('NotFound'), errors))));
    });
    const states: ClientState<unknown>[] = [];
    const client = connectTo(server, { onState: (state) => states.push(state) });
    await client.ready();
    expect(states[0]).toMatchObject({ kind: 'away', retryInMs: expect.any(Number), error: { kind: 'NotFound' } });
  });

  it('gives up a server that accepts and says nothing', async () => {
    const server = playServer((peer, attempt) => {
      if (attempt > 1) void shakeHands(peer);
    });
    const events: ClientEvent[] = [];
    const client = connectTo(server, {
      limits: { connectTimeoutMs: 20, lingerMs: 10 },
      onEvent: (event) => events.push(event),
    });
    await client.ready();
    expect(events[0]).toMatchObject({
      kind: 'connection_lost',
      error: { kind: 'Disconnected', detail: 'connect: no handshake within 20 ms' },
    });
  });

  it('drops a connection whose onConnected failed, and says why', async () => {
    const events: ClientEvent[] = [];
    let attempts = 0;
    const client = connectTo(await serveInMemory(), {
      onEvent: (event) => events.push(event),
      onConnected: () => {
        attempts += 1;
        if (attempts === 1) throw new Error('no subscription');
      },
    });
    await client.ready();
    expect(attempts).toBe(2);
    expect(events).toMatchObject([{ kind: 'connection_lost', error: { message: 'no subscription' } }]);
  });

  it('comes back although onConnected still waits on a connection that is gone', async () => {
    const server = playServer((peer, attempt) => {
      void shakeHands(peer).then(() => attempt === 1 && peer.duplex.destroy());
    });
    let attempts = 0;
    const client = connectTo(server, {
      onConnected: () => {
        attempts += 1;
        return attempts === 1 ? new Promise<void>(() => {}) : undefined;
      },
    });
    expect(await client.ready()).toEqual({ server: 'played', user: 'x' });
    expect(attempts).toBe(2);
  });

  it('rejects an aborted call with the reason, a late answer is reported, and the connection lives on', async () => {
    const server = await serveInMemory();
    const events: ClientEvent[] = [];
    const client = connectTo(server, { onEvent: (event) => events.push(event) });
    await client.ready();
    const controller = new AbortController();
    const reason = new Error('enough');
    const call = client.call('gate.wait', { gate: 'a' }, { signal: controller.signal });
    await eventually('a call waits', () => server.waitingAt('a') === 1);
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    await eventually('the call is aborted', () => server.abortedGates.length === 1);
    await client.call('system.ping');
    // The server answers every request, also one that is not wanted any more.
    expect(events).toEqual([{ kind: 'answer_unmatched', id: '2' }]);
    await expect(client.call('system.ping', {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('bounds the wait for one answer, and the number of calls that wait', async () => {
    const client = connectTo(await serveInMemory(), { limits: { callTimeoutMs: 20, callsPendingMax: 1 } });
    await client.ready();
    const slow = client.call('gate.wait', { gate: 'never' });
    await expect(client.call('system.ping')).rejects.toMatchObject({
      kind: 'RateLimit',
      limit: { limit: 'callsPendingMax', maximum: 1, actual: 2 },
    });
    await expect(slow).rejects.toMatchObject({
      kind: 'DeadlineExceeded',
      detail: 'call gate.wait: no answer within 20 ms',
    });
  });

  it('rejects a result that does not match the contract', async () => {
    const client = connectTo(await serveInMemory());
    await client.ready();
    await expect(client.call('fail.shape')).rejects.toMatchObject({
      kind: 'InternalError',
      detail: expect.stringContaining('fail.shape'),
    });
  });

  it('survives whatever the server sends', async () => {
    const server = playServer((peer) => {
      void shakeHands(peer).then(() => {
        for (const body of [
          '{',
          'null',
          '{"jsonrpc":"2.0","id":"77","result":1}',
          '{"jsonrpc":"2.0","id":null,"result":1}',
        ])
          peer.sendBytes(encodeFrame(body));
        peer.send({ jsonrpc: '2.0', id: null, error: { code: -32003, message: 'x', data: { kind: 'RateLimit' } } });
        peer.send({ jsonrpc: '2.0', id: null, error: 'text' });
        peer.send({ jsonrpc: '2.0', id: '5', method: 'do.this' });
        peer.send({ jsonrpc: '2.0', method: 'no.such.push' });
        peer.send({ jsonrpc: '2.0', method: 'burst.item', params: { n: 'x' } });
        peer.send({ jsonrpc: '2.0', method: 'burst.done' });
      });
    });
    const events: ClientEvent[] = [];
    const client = connectTo(server, {
      onEvent: (event) => events.push(event),
      onPush: () => {
        throw new Error('the callback is broken');
      },
    });
    const done = client.pushes('burst.done');
    expect(await done.next()).toEqual({ done: false, value: {} });
    expect(events.map(({ kind }) => kind)).toEqual([
      'message_malformed',
      'message_malformed',
      'answer_unmatched',
      'anonymous_error',
      'anonymous_error',
      'request_ignored',
      'push_unknown',
      'push_invalid',
      'callback_failed',
    ]);
    expect(await client.ready()).toMatchObject({ server: 'played' });
  });

  it('leaves a server that announces more than the cap', async () => {
    const server = playServer((peer, attempt) => {
      void shakeHands(peer).then(() => attempt === 1 && peer.sendBytes(Buffer.of(255, 255, 255, 255)));
    });
    const events: ClientEvent[] = [];
    const client = connectTo(server, { limits: { lingerMs: 10 }, onEvent: (event) => events.push(event) });
    await eventually('a second attempt', () => server.attempts() === 2);
    await client.ready();
    expect(events).toMatchObject([
      { kind: 'connection_lost', error: { kind: 'Disconnected', detail: 'the connection ended: limit' } },
    ]);
  });

  it('ends everything when it is closed, twice if need be', async () => {
    const server = await serveInMemory();
    const client = connectTo(server);
    await client.ready();
    const items = client.pushes('burst.item');
    const call = expect(client.call('gate.wait', { gate: 'a' })).rejects.toMatchObject({ kind: 'Disconnected' });
    await eventually('a call waits', () => server.waitingAt('a') === 1);
    await Promise.all([client.close(), client.close()]);
    await call;
    expect(await items.next()).toEqual({ done: true, value: undefined });
    expect(client.state).toEqual({ kind: 'closed' });
    await expect(client.ready()).rejects.toMatchObject({ kind: 'Disconnected', detail: 'not connected: closed' });
    expect(server.abortedGates).toEqual(['a']);
  });

  it('can be closed while it waits to connect', async () => {
    const client = connectTo(
      { dial: () => Promise.reject(new Error('nobody there')) },
      { limits: { backoffFirstMs: 60_000, backoffMaxMs: 60_000 } },
    );
    await eventually('the client is away', () => client.state.kind === 'away');
    await client.close();
    expect(client.state.kind).toBe('closed');
  });

  it('leaves no promise rejected without a handler', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    onTestFinished(() => void process.off('unhandledRejection', listen));
    const server = playServer((peer, attempt) => {
      if (attempt % 2 === 0) peer.duplex.destroy(new Error('broken'));
      else void shakeHands(peer).then(() => peer.duplex.destroy());
    });
    const client = connectTo(server);
    await eventually('eight attempts', () => server.attempts() >= 8);
    await client.close();
    expect(unhandled).toEqual([]);
  });
});
