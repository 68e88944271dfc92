import { once } from 'node:events';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { createFrameDecoder, encodeFrame } from '../src/index.ts';
import { createRawPeer, handshaken, request } from './raw-peer.ts';
import { connectTo, serveOnSocket, transports } from './serving.ts';

describe.each(transports)('two peers over $name', ({ serve }) => {
  it('call and answer, with defaults filled in on the serving side', async () => {
    const client = connectTo(await serve());
    expect(await client.ready()).toMatchObject({ server: 'test' });
    expect(await client.call('text.echo', { text: 'hé' })).toEqual({ text: 'hé' });
    expect(await client.call('text.echo', { text: 'ab', times: 3 })).toEqual({ text: 'ababab' });
    expect(await client.call('system.ping')).toEqual({ pong: true });
  });

  it('keep one session per connection', async () => {
    const server = await serve();
    const [first, second] = [connectTo(server), connectTo(server)];
    await Promise.all([first.ready(), second.ready()]);
    await first.call('session.count');
    expect(await first.call('session.count')).toBe(2);
    expect(await second.call('session.count')).toBe(1);
  });

  it('carry a body of exactly the cap, and refuse one byte more before writing it', async () => {
    const client = connectTo(await serve());
    await client.ready();
    const room = 1_048_576 - Buffer.byteLength('{"jsonrpc":"2.0","id":"2","method":"text.echo","params":{"text":""}}');
    // The answer has a shorter envelope than the request, so it fits as well.
    expect((await client.call('text.echo', { text: 'x'.repeat(room) })).text).toHaveLength(room);
    await expect(client.call('text.echo', { text: 'x'.repeat(room + 1) })).rejects.toMatchObject({
      kind: 'PayloadTooLarge',
      limit: { limit: 'bodyBytesMax', maximum: 1_048_576, actual: 1_048_577 },
    });
    expect(await client.call('system.ping')).toEqual({ pong: true });
  });

  it('answer PayloadTooLarge for a result over the cap', async () => {
    const client = connectTo(await serve());
    await client.ready();
    await expect(client.call('text.echo', { text: 'x'.repeat(1024), times: 1024 })).rejects.toMatchObject({
      kind: 'PayloadTooLarge',
    });
  });

  it('answer ping while a slow request runs', async () => {
    const server = await serve();
    const client = connectTo(server);
    await client.ready();
    const slow = client.call('gate.wait', { gate: 'a' });
    await eventually('a call waits', () => server.waitingAt('a') === 1);
    expect(await client.call('system.ping')).toEqual({ pong: true });
    server.open('a');
    expect(await slow).toBeNull();
  });

  it('run a bounded number of requests, queue a bounded number, refuse the rest, and never make ping wait', async () => {
    const server = await serve({ limits: { requestsInFlightMax: 2, requestsWaitingMax: 1 } });
    const client = connectTo(server);
    await client.ready();
    const running = ['a', 'a', 'a'].map((gate) => client.call('gate.wait', { gate }));
    await expect(client.call('gate.wait', { gate: 'a' })).rejects.toMatchObject({
      kind: 'RateLimit',
      limit: { limit: 'requestsWaitingMax', maximum: 1, actual: 2 },
    });
    expect(server.waitingAt('a')).toBe(2);
    expect(await client.call('system.ping')).toEqual({ pong: true });
    server.open('a');
    await eventually('a call waits', () => server.waitingAt('a') === 1);
    server.open('a');
    expect(await Promise.all(running)).toEqual([null, null, null]);
  });

  it.each([
    ['wrong params', 'text.echo', { text: 7 }, 'InvalidParams', /^text: /],
    ['params that are no object', 'text.echo', [1], 'InvalidParams', /./],
    ['an unknown method', 'no.such', {}, 'MethodNotFound', /^no\.such$/],
    ['a method of the prototype', 'constructor', {}, 'MethodNotFound', /^constructor$/],
    ['a method without a handler', 'not.built', {}, 'MethodNotFound', /^not\.built$/],
    ['a polite failure', 'fail.politely', {}, 'NotFound', /^no such thing$/],
  ])('answer %s', async (_name, method, params, kind, detail) => {
    const peer = await handshaken(await (await serve()).dial());
    peer.send(request('1', method, params));
    const answer = await peer.receive();
    expect(answer).toMatchObject({
      jsonrpc: '2.0',
      id: '1',
      error: { data: { kind, detail: expect.stringMatching(detail) } },
    });
  });

  it('tell nothing of an unexpected failure to the other side, and all of it to the owner', async () => {
    const server = await serve();
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'fail.loudly'));
    peer.send(request('2', 'fail.cyclic'));
    const answers = [await peer.receive(), await peer.receive()];
    expect(answers.map(({ error }) => error)).toEqual([
      { code: -32603, message: 'Internal error', data: { kind: 'InternalError' } },
      { code: -32603, message: 'Internal error', data: { kind: 'InternalError' } },
    ]);
    const failures = server.events.filter((event) => event.kind === 'handler_failed');
    expect(failures.map(({ method }) => method)).toEqual(['fail.loudly', 'fail.cyclic']);
    expect(String(failures[0]?.error)).toContain('hunter2');
  });

  it('answer nothing but the handshake first', async () => {
    const peer = createRawPeer(await (await serve()).dial());
    peer.send(request('1', 'system.ping'));
    expect(await peer.receive()).toMatchObject({
      id: '1',
      error: { code: -32600, data: { kind: 'InvalidRequest', detail: 'requires handshake' } },
    });
    peer.send(request('2', 'system.handshake', { client: 5 }));
    expect(await peer.receive()).toMatchObject({ id: '2', error: { data: { kind: 'InvalidParams' } } });
    peer.send(request('3', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '3', error: { data: { kind: 'InvalidRequest' } } });
    peer.send(request('4', 'system.handshake', { client: 'raw' }));
    peer.send(request('5', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '4', result: { server: 'test' } });
    expect(await peer.receive()).toMatchObject({ id: '5', result: { pong: true } });
  });

  it('answer a broken body without an id and stay open', async () => {
    const peer = await handshaken(await (await serve()).dial());
    for (const body of ['{', '', '[]', '{"id":3,"jsonrpc":"2.0","method":"system.ping"}']) {
      peer.sendBytes(encodeFrame(body));
      expect(await peer.receive()).toMatchObject({ id: null, error: { code: -32700, data: { kind: 'ParseError' } } });
    }
    peer.sendBytes(Buffer.of(1, 0, 0, 0, 0xff));
    expect(await peer.receive()).toMatchObject({
      id: null,
      error: { data: { kind: 'ParseError', detail: 'the body is not UTF-8' } },
    });
    peer.send(request('1', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '1', result: { pong: true } });
  });

  it('ignore notifications and responses of a client', async () => {
    const server = await serve();
    const peer = await handshaken(await server.dial());
    peer.send({ jsonrpc: '2.0', method: 'text.echo' });
    peer.send({ jsonrpc: '2.0', id: '1', result: 1 });
    peer.send(request('2', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '2' });
    expect(server.events).toEqual([
      { kind: 'message_ignored', messageKind: 'notification' },
      { kind: 'message_ignored', messageKind: 'response' },
    ]);
  });

  it('refuse an id that is in use', async () => {
    const server = await serve();
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'gate.wait', { gate: 'a' }));
    peer.send(request('1', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '1', error: { data: { kind: 'InvalidRequest' } } });
    server.open('a');
    expect(await peer.receive()).toMatchObject({ id: '1', result: null });
  });

  it('answer an over-long frame once, then close', async () => {
    const server = await serve({ limits: { lingerMs: 20 } });
    const peer = await handshaken(await server.dial());
    peer.sendBytes(Buffer.of(1, 0, 16, 0));
    peer.sendBytes(Buffer.alloc(500_000));
    expect(await peer.ended).toMatchObject([
      {
        id: null,
        error: { code: -32005, data: { kind: 'PayloadTooLarge', limit: { maximum: 1_048_576, actual: 1_048_577 } } },
      },
    ]);
    expect((await server.connections[0]?.closed)?.kind).toBe('limit');
  });

  it('limit the requests of a minute', async () => {
    const server = await serve({ limits: { requestsPerMinute: 3 } });
    const peer = await handshaken(await server.dial());
    for (const id of ['1', '2']) {
      peer.send(request(id, 'system.ping'));
      expect(await peer.receive()).toMatchObject({ id, result: { pong: true } });
    }
    peer.send(request('3', 'system.ping'));
    expect(await peer.receive()).toMatchObject({ id: '3', error: { code: -32003, data: { kind: 'RateLimit' } } });
    peer.sendBytes(encodeFrame('{'));
    expect(await peer.receive()).toMatchObject({ id: null, error: { data: { kind: 'RateLimit' } } });
  });

  it('abort what runs when the client goes, and run no more of it', async () => {
    const server = await serve({ limits: { requestsInFlightMax: 1 } });
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'gate.wait', { gate: 'running' }));
    peer.send(request('2', 'gate.wait', { gate: 'waiting' }));
    await eventually('a call waits', () => server.waitingAt('running') === 1);
    peer.duplex.end();
    await server.connections[0]?.closed;
    expect(server.abortedGates).toEqual(['running']);
    expect(server.waitingAt('waiting')).toBe(0);
    expect(server.events.at(-1)).toMatchObject({ kind: 'request_refused', error: { kind: 'Disconnected' } });
  });

  it('say that a stream ended inside a frame', async () => {
    const server = await serve();
    const peer = await handshaken(await server.dial());
    peer.sendBytes(Buffer.of(9, 0, 0, 0, 123));
    peer.duplex.end();
    expect(await server.connections[0]?.closed).toEqual({ kind: 'truncated', heldBytes: 5 });
  });

  it('end a connection that never shakes hands', async () => {
    const server = await serve({ limits: { handshakeTimeoutMs: 20, lingerMs: 20 } });
    const peer = createRawPeer(await server.dial());
    expect(await peer.ended).toEqual([]);
    expect(await server.connections[0]?.closed).toMatchObject({
      kind: 'closed_here',
      detail: expect.stringContaining('20 ms'),
    });
  });

  it('let running requests answer when the server closes, and take no more', async () => {
    const server = await serve({ limits: { lingerMs: 200 } });
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'gate.wait', { gate: 'a' }));
    await eventually('a call waits', () => server.waitingAt('a') === 1);
    const closing = server.connections[0]?.close();
    peer.send(request('2', 'system.ping'));
    server.open('a');
    expect(await peer.ended).toMatchObject([{ id: '1', result: null }]);
    peer.duplex.end();
    await closing;
  });

  it('abort running requests when a close takes too long', async () => {
    const server = await serve({ limits: { drainTimeoutMs: 20, lingerMs: 20 } });
    const peer = await handshaken(await server.dial());
    peer.send(request('1', 'gate.wait', { gate: 'a' }));
    await eventually('a call waits', () => server.waitingAt('a') === 1);
    await server.connections[0]?.close();
    expect(server.abortedGates).toEqual(['a']);
  });

  it('drop droppable pushes of a peer that does not read, count them, and lose no other', async () => {
    const server = await serve();
    const duplex = await server.dial();
    const peer = await handshaken(duplex);
    duplex.pause();
    const count = 300;
    peer.send(request('1', 'push.burst', { count, chars: 10_000, droppable: true }));
    await eventually('a push is dropped', () => server.events.some((event) => event.kind === 'push_dropped'));
    duplex.resume();
    const numbers: unknown[] = [];
    for (;;) {
      const frame = await peer.receive();
      if (frame.id === '1') {
        expect(frame.result).toEqual({ sent: numbers.length - 1, dropped: count - numbers.length + 1 });
        break;
      }
      if (frame.method !== 'rpc.dropped') numbers.push(frame.method);
    }
    expect(numbers.at(-1)).toBe('burst.done');
    const dropped = server.events.filter((event) => event.kind === 'push_dropped');
    expect(dropped.at(-1)?.droppedCount).toBe(dropped.length);
    expect(dropped).toHaveLength(count - numbers.length + 1);
  });

  it('deliver every push that is not droppable, in order, to a peer that reads late', async () => {
    const server = await serve();
    const duplex = await server.dial();
    const peer = await handshaken(duplex);
    duplex.pause();
    peer.send(request('1', 'push.burst', { count: 200, chars: 10_000, droppable: false }));
    peer.send(request('2', 'session.count'));
    await eventually('one connection', () => server.connections.length === 1);
    duplex.resume();
    const numbers: number[] = [];
    while (numbers.length < 200) {
      const { method, params } = await peer.receive();
      if (method === 'burst.item') numbers.push((params as { n: number }).n);
    }
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, n) => n));
  });

  it('cut off a peer that never reads', async () => {
    const server = await serve({ limits: { backlogFramesMax: 100 } });
    const duplex = await server.dial();
    const peer = await handshaken(duplex);
    duplex.pause();
    peer.send(request('1', 'push.burst', { count: 400, chars: 10_000, droppable: false }));
    expect(await server.connections[0]?.closed).toMatchObject({
      kind: 'limit',
      passed: { limit: 'backlogFramesMax', maximum: 100 },
    });
  });

  it('serve the first of two bodies that share a chunk before the second half of the next', async () => {
    const peer = await handshaken(await (await serve()).dial());
    const bytes = Buffer.concat(['1', '2'].map((id) => encodeFrame(JSON.stringify(request(id, 'system.ping')))));
    peer.sendBytes(bytes.subarray(0, -3));
    expect(await peer.receive()).toMatchObject({ id: '1' });
    peer.sendBytes(bytes.subarray(-3));
    expect(await peer.receive()).toMatchObject({ id: '2' });
  });
});

it('createFrameDecoder reads what a paused stream kept', async () => {
  const server = await serveOnSocket();
  const duplex = await server.dial();
  duplex.write(encodeFrame(JSON.stringify(request('1', 'system.handshake', { client: 'raw' }))));
  const [chunk] = (await once(duplex, 'data')) as [Buffer];
  const decoder = createFrameDecoder();
  decoder.push(chunk);
  expect(decoder.next()).toMatchObject({ kind: 'body' });
  duplex.destroy();
});
