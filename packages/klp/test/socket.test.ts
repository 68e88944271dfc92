import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  dialLocal,
  type ListenEvent,
  type ListenOptions,
  type LocalListener,
  type LocalPeer,
  listenLocal,
  SocketError,
} from '../src/socket.ts';
import { errors } from './errors.ts';
import { createRawPeer } from './raw-peer.ts';
import { connectTo, temporaryDirectory } from './serving.ts';

const programs = join(import.meta.dirname, 'programs');

function somewhere(): string {
  return join(temporaryDirectory(), 'run', 'agent.sock');
}

async function listen(options: Partial<ListenOptions> & { path: string }): Promise<LocalListener> {
  const listener = await listenLocal({
    contract: { errors },
    accept: () => ({ ok: true }),
    onConnection: (duplex) => void duplex.resume(),
    ...options,
  });
  onTestFinished(() => listener.close());
  return listener;
}

describe('listenLocal', () => {
  it('makes the directory, opens the socket to everybody, and removes it when closed', async () => {
    const path = somewhere();
    const listener = await listen({ path });
    expect(lstatSync(join(path, '..')).mode & 0o777).toBe(0o755);
    expect(lstatSync(path).mode & 0o777).toBe(0o666);
    await listener.close();
    await listener.close();
    expect(existsSync(path)).toBe(false);
  });

  it('knows who connects before it reads a byte', async () => {
    const path = somewhere();
    const accepted = Promise.withResolvers<{ peer: LocalPeer; socket: Socket }>();
    await listen({ path, onConnection: (duplex, peer) => accepted.resolve({ socket: duplex as Socket, peer }) });
    const client = connect(path);
    await new Promise<void>((resolve) => client.write('early', () => resolve()));
    const { socket, peer } = await accepted.promise;
    // Two rounds of the event loop, in which a socket that is not paused would be read.
    await turn();
    await turn();
    expect(socket.bytesRead).toBe(0);
    const { uid, gid, username } = userInfo();
    const stat = readFileSync('/proc/self/stat', 'latin1');
    expect(peer).toEqual({
      user: username,
      userKey: `uid-${uid}`,
      uid,
      gid,
      pid: process.pid,
      startTime: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19],
    });
    client.end();
    expect(await text(socket)).toBe('early');
    socket.end();
  });

  it('tells a refused peer why in one frame, reads nothing of it, and keeps a client from coming back', async () => {
    const path = somewhere();
    const events: ListenEvent[] = [];
    let taken = 0;
    await listen({
      path,
      accept: () => ({ ok: false, reason: 'uid 4 is a system account' }),
      onConnection: () => {
        taken += 1;
      },
      onEvent: (event) => events.push(event),
      limits: { refusalLingerMs: 50 },
    });
    const peer = createRawPeer(await dialLocal({ path }));
    expect(await peer.ended).toEqual([
      {
        jsonrpc: '2.0',
        id: null,
        error: {
          code: -32000,
          message: 'Unauthorized',
          data: { kind: 'Unauthorized', detail: 'uid 4 is a system account' },
        },
      },
    ]);
    const client = connectTo({ dial: (options) => dialLocal({ path, signal: options?.signal }) });
    await expect(client.ready()).rejects.toMatchObject({ kind: 'Unauthorized' });
    expect(taken).toBe(0);
    expect(events.map(({ kind }) => kind)).toEqual(['peer_refused', 'peer_refused']);
    peer.duplex.destroy();
  });

  it('drops a refused peer that does not leave, and then has room for others', async () => {
    const path = somewhere();
    await listen({
      path,
      accept: () => ({ ok: false, reason: 'not you' }),
      limits: { connectionsMax: 1, refusalLingerMs: 50 },
    });
    const kindOf = (frames: Record<string, unknown>[]) =>
      (frames[0]?.error as { data: { kind: string } } | undefined)?.data.kind;
    const stays = createRawPeer(await dialLocal({ path }));
    onTestFinished(() => void stays.duplex.destroy());
    expect(kindOf(await stays.ended)).toBe('Unauthorized');
    // Each look is a refused peer as well, so the looks are further apart than one may stay.
    const look = { interval: 300, timeout: 120_000 };
    await vi.waitUntil(async () => {
      const next = createRawPeer(await dialLocal({ path }));
      const kind = kindOf(await next.ended);
      next.duplex.destroy();
      return kind === 'Unauthorized';
    }, look);
  });

  it('gives a flood of peers no answer', async () => {
    const path = somewhere();
    await listen({
      path,
      accept: () => ({ ok: false, reason: 'not you' }),
      limits: { connectionsMax: 1, refusalLingerMs: 60_000 },
    });
    const peers = [];
    for (let count = 0; count < 3; count += 1) {
      const peer = createRawPeer(await dialLocal({ path }));
      onTestFinished(() => void peer.duplex.destroy());
      peers.push((await peer.ended).length);
    }
    expect(peers).toEqual([1, 1, 0]);
  });

  it('closes a connection whose policy fails, without an answer', async () => {
    const path = somewhere();
    const events: ListenEvent[] = [];
    await listen({
      path,
      accept: () => {
        throw new Error('no policy');
      },
      onEvent: (event) => events.push(event),
    });
    expect(await createRawPeer(await dialLocal({ path })).ended).toEqual([]);
    expect(events).toMatchObject([{ kind: 'connection_failed', error: { message: 'no policy' } }]);
  });

  it.each([
    ['all connections', { connectionsMax: 2 }, 'connectionsMax'],
    ['the connections of one user', { connectionsPerUserMax: 2 }, 'connectionsPerUserMax'],
  ])('limits %s', async (_name, limits, limit) => {
    const path = somewhere();
    const events: ListenEvent[] = [];
    const listener = await listen({
      path,
      limits: { ...limits, refusalLingerMs: 50 },
      onEvent: (event) => events.push(event),
      onConnection: (duplex) => void duplex.resume().on('end', () => duplex.end()),
    });
    const kept = [await dialLocal({ path }), await dialLocal({ path })];
    const third = createRawPeer(await dialLocal({ path }));
    expect(await third.ended).toMatchObject([
      { id: null, error: { data: { kind: 'RateLimit', limit: { limit, maximum: 2, actual: 3 } } } },
    ]);
    expect(events).toMatchObject([{ kind: 'connections_full' }]);
    expect(listener.connectionCount).toBe(2);
    third.duplex.destroy();
    for (const duplex of kept) duplex.destroy();
  });

  it('replaces what a killed server left behind', async () => {
    const path = somewhere();
    mkdirSync(join(path, '..'));
    const child = spawn(process.execPath, [join(programs, 'listen-forever.mjs'), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const exited = once(child, 'exit');
    await expect(listen({ path })).rejects.toMatchObject({ code: 'address_in_use' });
    child.kill('SIGKILL');
    await exited;
    expect(lstatSync(path).isSocket()).toBe(true);
    await expect(dialLocal({ path })).rejects.toMatchObject({ code: 'server_stopped' });
    await listen({ path });
    (await dialLocal({ path })).destroy();
  });

  it('leaves a live server alone', async () => {
    const path = somewhere();
    await listen({ path });
    const { ino } = lstatSync(path);
    const error = await listen({ path }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(SocketError);
    expect(error).toMatchObject({ code: 'address_in_use', path, message: expect.stringContaining(path) });
    expect(lstatSync(path).ino).toBe(ino);
  });

  it.each([
    ['a symbolic link', (path: string) => symlinkSync('/nowhere', path)],
    ['a file', (path: string) => writeFileSync(path, 'mine')],
    ['a directory', (path: string) => mkdirSync(path)],
  ])('refuses to replace %s', async (_name, put) => {
    const path = somewhere();
    mkdirSync(join(path, '..'));
    put(path);
    const before = lstatSync(path);
    await expect(listen({ path })).rejects.toMatchObject({ code: 'address_unsafe' });
    expect(lstatSync(path).ino).toBe(before.ino);
  });

  it('refuses a directory that everybody may write', async () => {
    const path = somewhere();
    mkdirSync(join(path, '..'));
    chmodSync(join(path, '..'), 0o777);
    await expect(listen({ path })).rejects.toMatchObject({
      code: 'address_unsafe',
      message: expect.stringContaining('written by everybody'),
    });
  });

  it('refuses when a directory further up can be written by everybody, unless it has the sticky bit', async () => {
    const top = temporaryDirectory();
    const path = join(top, 'a', 'b', 's');
    mkdirSync(join(top, 'a'));
    chmodSync(join(top, 'a'), 0o777);
    await expect(listen({ path })).rejects.toMatchObject({
      code: 'address_unsafe',
      message: expect.stringContaining(`the directory ${join(top, 'a')} can be written by everybody`),
    });
    chmodSync(join(top, 'a'), 0o1777);
    await listen({ path });
  });

  it('lets one of two servers that start on a stale socket have it', async () => {
    const path = somewhere();
    mkdirSync(join(path, '..'));
    const child = spawn(process.execPath, [join(programs, 'listen-forever.mjs'), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const outcomes = await Promise.allSettled([listen({ path }), listen({ path }), listen({ path })]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'address_in_use' });
    }
    (await dialLocal({ path })).destroy();
  });

  // Only root can make what belongs to others.
  if (process.getuid?.() === 0) {
    it.each([
      ['belongs to another user', (at: string) => chownSync(at, 61_001, 0), 0o755, 'belongs to uid 61001'],
      ['a group of others may write', (at: string) => chownSync(at, 0, 61_001), 0o775, 'written by group 61001'],
    ])('refuses a directory further up that %s', async (_name, give, mode, message) => {
      const top = temporaryDirectory();
      const path = join(top, 'a', 'b', 's');
      mkdirSync(join(top, 'a'));
      chmodSync(join(top, 'a'), mode);
      give(join(top, 'a'));
      await expect(listen({ path })).rejects.toMatchObject({
        code: 'address_unsafe',
        message: expect.stringContaining(message),
      });
    });

    it('refuses a link on the way that another user could turn elsewhere', async () => {
      const top = temporaryDirectory();
      mkdirSync(join(top, 'real'));
      symlinkSync(join(top, 'real'), join(top, 'link'));
      const path = join(top, 'link', 's');
      const listener = await listen({ path });
      await listener.close();
      lchownSync(join(top, 'link'), 61_001, 61_001);
      await expect(listen({ path })).rejects.toMatchObject({
        code: 'address_unsafe',
        message: expect.stringContaining(`the directory ${join(top, 'link')} belongs to uid 61001`),
      });
    });
  }

  it('refuses a path that does not fit, before it touches anything', async () => {
    const directory = temporaryDirectory();
    await expect(listen({ path: join(directory, 'a'.repeat(120), 's') })).rejects.toMatchObject({
      code: 'address_too_long',
    });
    expect(existsSync(join(directory, 'a'.repeat(120)))).toBe(false);
  });
});

describe('dialLocal', () => {
  it('says that nothing is there', async () => {
    await expect(dialLocal({ path: somewhere() })).rejects.toMatchObject({ code: 'server_absent' });
  });

  it('rejects with the reason of its signal', async () => {
    const reason = new Error('stop');
    await expect(dialLocal({ path: somewhere(), signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
