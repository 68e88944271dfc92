/** Object stores, read and written by us and by the official client. */
import { createHash, randomBytes } from 'node:crypto';
import { natsServers, startNatsServer } from '@kanade/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { type ObjectStore, Objm } from '@nats-io/obj';
import { describe, expect, it } from 'vitest';
import { connectFleet } from '../src/index.ts';
import {
  listObjects,
  objectInfo,
  putObject,
  readObject,
  readObjectBytes,
  removeObject,
  type StoredObject,
} from '../src/objects.ts';

const kibibyte = 1_024;
const store = 'things';
const hexOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function openStore(path: string, bytesMax = -1) {
  await using parts = new AsyncDisposableStack();
  const broker = parts.use(await startNatsServer({ path }));
  const { connection, jetstream } = parts.use(await connectFleet({ servers: broker.url, name: 'test' }));
  const official: ObjectStore = await new Objm(jetstream).create(store, { max_bytes: bytesMax });
  const jsm = await jetstreamManager(connection);
  const all = parts.move();
  return {
    connection,
    jetstream,
    official,
    /** What the stream holds on these subjects. */
    held: async (filter: string): Promise<Record<string, number>> =>
      (await jsm.streams.info(`OBJ_${store}`, { subjects_filter: filter })).state.subjects ?? {},
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Bytes in pieces that fit no chunk. */
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function told(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'done',
    (error: { code?: unknown; message?: string }) => error.code ?? error.message,
  );
}

describe.each(await natsServers())('objects on nats-server $version', ({ path }) => {
  it('what we store the official client reads, and the other way round, byte for byte', async () => {
    await using site = await openStore(path);
    const { connection, official, jetstream } = site;
    for (const size of [0, 1, 128 * kibibyte, 128 * kibibyte + 1, 3_000 * kibibyte + 7]) {
      const bytes = randomBytes(size);
      for (const [how, source] of [
        ['whole', bytes],
        ['in pieces', pieces(bytes, 70_001)],
      ] as const) {
        const name = `ours/${size} ${how}`;
        const { object, isStored } = await putObject(connection, { store, name, source });
        expect([isStored, object.size, object.sha256]).toEqual([true, size, hexOf(bytes)]);
        expect(Buffer.from((await official.getBlob(name)) ?? []).equals(bytes)).toBe(true);
      }
      await official.putBlob({ name: `theirs/${size}` }, bytes);
      const read = await readObjectBytes(connection, { store, name: `theirs/${size}`, bytesMax: size });
      expect(read.ok && [read.bytes.equals(bytes), read.object.sha256]).toEqual([true, hexOf(bytes)]);
    }
    // Apart from what differs each time, the description is theirs to the byte.
    const text = async (name: string): Promise<string> => {
      const message = await (await jetstream.jetstreamManager()).streams.getMessage(`OBJ_${store}`, {
        last_by_subj: `$O.${store}.M.${Buffer.from(name).toString('base64url')}==`,
      });
      return message?.string().replace(/"(nuid|mtime)":"[^"]*"/g, '"$1":""') ?? '';
    };
    await putObject(connection, { store, name: 'abcd', source: Buffer.from('same') });
    const ours = await text('abcd');
    await official.putBlob({ name: 'abcd' }, Buffer.from('same'));
    expect(await text('abcd')).toBe(ours);
    expect(JSON.parse(ours)).toMatchObject({ name: 'abcd', size: 4, chunks: 1, deleted: false });
  });

  it('lists and removes as they do', async () => {
    await using site = await openStore(path);
    const { connection, official } = site;
    const names = async (): Promise<string[]> => {
      const found: string[] = [];
      for await (const { name } of listObjects(connection, { store })) found.push(name);
      return found;
    };
    expect(await names()).toEqual([]);
    for (const name of ['a', 'b/ñ', 'c']) await putObject(connection, { store, name, source: Buffer.from(name) });
    await official.putBlob({ name: 'd' }, Buffer.from('d'));
    await official.delete('a');
    expect(await names()).toEqual(['b/ñ', 'c', 'd']);
    expect(await removeObject(connection, { store, name: 'd' })).toMatchObject({ name: 'd', size: 1 });
    expect(await removeObject(connection, { store, name: 'd' })).toBeUndefined();
    expect((await official.list()).map(({ name }) => name)).toEqual(['b/ñ', 'c']);
    expect(await official.info('d')).toMatchObject({ deleted: true, size: 0 });
    expect(await objectInfo(connection, { store, name: 'd' })).toMatchObject({ ok: false, reason: 'missing' });
    await putObject(connection, { store, name: 'd', source: Buffer.from('again') });
    expect(Buffer.from((await official.getBlob('d')) ?? []).toString()).toBe('again');
  });

  it('stores the same bytes under the same name once, others in their place, and frees what was there', async () => {
    await using site = await openStore(path);
    const { connection } = site;
    const bytes = randomBytes(300 * kibibyte);
    const put = (source: Uint8Array, more: object = {}) => putObject(connection, { store, name: 'a', source, ...more });
    const first = await put(bytes);
    expect(await put(bytes)).toMatchObject({ isStored: false, object: first.object });
    const opened = { isOpened: false };
    async function* neverRead(): AsyncGenerator<Uint8Array> {
      opened.isOpened = true;
      yield bytes;
    }
    const known = { store, name: 'a', source: neverRead(), sha256: hexOf(bytes) };
    expect((await putObject(connection, known)).isStored).toBe(false);
    expect(opened.isOpened).toBe(false);
    const second = await put(Buffer.from('other'), { replaces: first.object.revision });
    expect(await told(put(Buffer.from('third'), { replaces: first.object.revision }))).toBe(10071);
    expect(await told(put(Buffer.from('third'), { replaces: 0 }))).toBe(10071);
    const read = await readObjectBytes(connection, { store, name: 'a', bytesMax: 10 });
    expect(read).toMatchObject({ ok: true, bytes: Buffer.from('other'), object: second.object });
    // Of what is gone one empty message stays.
    const subject = (object: StoredObject): string => `$O.${store}.C.${object.nuid}`;
    expect(await site.held(subject(first.object))).toEqual({ [subject(first.object)]: 1 });
  });

  it('a put that fails leaves nothing that a reader would take', async () => {
    await using site = await openStore(path, 2_000 * kibibyte);
    const { connection } = site;
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield randomBytes(500 * kibibyte);
      throw new Error('the disk broke');
    }
    const put = (more: object) => told(putObject(connection, { store, name: 'a', source: Buffer.from('a'), ...more }));
    const stop = new AbortController();
    async function* stopped(): AsyncGenerator<Uint8Array> {
      yield randomBytes(500 * kibibyte);
      stop.abort(new Error('enough'));
      yield randomBytes(500 * kibibyte);
    }
    expect(await put({ source: breaking() })).toBe('the disk broke');
    expect(await put({ source: stopped(), signal: stop.signal })).toBe('enough');
    expect(await put({ source: pieces(randomBytes(900 * kibibyte), 1_000), bytesMax: 800_000 })).toBe('too_large');
    expect(await put({ source: [Buffer.from('b')], sha256: hexOf(Buffer.from('a')) })).toBe('object_changed');
    expect([10047, 10077]).toContain(await put({ source: randomBytes(4_000 * kibibyte) }));
    const held = await site.held(`$O.${store}.>`);
    expect(Object.keys(held).filter((subject) => subject.includes('.M.'))).toEqual([]);
    expect(Object.values(held)).toEqual(Object.values(held).map(() => 1));
    // There is room again for what fits.
    expect(await put({ source: randomBytes(1_500 * kibibyte) })).toBe('done');
    expect(await put({ store: 'none' })).toBe(10059);
    expect(await told(objectInfo(connection, { store: 'none', name: 'a' }))).toBe(10059);
  });

  it('tells a missing chunk, a forged digest, a chunk too many and what is no description', async () => {
    await using site = await openStore(path);
    const { connection, jetstream } = site;
    const bytes = randomBytes(500 * kibibyte);
    const { object } = await putObject(connection, { store, name: 'a', source: bytes });
    const read = (name: string, bytesMax = 1e6) => readObjectBytes(connection, { store, name, bytesMax });
    expect(await read('none')).toEqual({ ok: false, reason: 'missing' });
    expect(await read('a', 500_000)).toEqual({ ok: false, reason: 'too_large', bytes: 512_000, bytesMax: 500_000 });
    const describe = (name: string, info: object): Promise<unknown> => {
      const key = Buffer.from(name).toString('base64url');
      const subject = `$O.${store}.M.${key.padEnd(Math.ceil(key.length / 4) * 4, '=')}`;
      return jetstream.publish(subject, JSON.stringify(info));
    };
    const info = { name: 'x', bucket: store, nuid: object.nuid, size: 512_000, chunks: 4 };
    const forged = `SHA-256=${createHash('sha256').update('x').digest('base64url')}=`;
    await describe('forged', { ...info, digest: forged });
    await describe('link', { name: 'x', bucket: store, options: { link: { bucket: store, name: 'a' } } });
    await describe('md5', { ...info, digest: 'MD5=abc' });
    await describe('wild', { ...info, nuid: '>', digest: forged });
    for (const name of ['forged', 'link', 'md5', 'wild']) {
      expect({ name, read: await read(name) }).toEqual({ name, read: { ok: false, reason: 'damaged' } });
    }
    await jetstream.publish(`$O.${store}.C.${object.nuid}`, 'one more');
    expect(await read('a')).toEqual({ ok: false, reason: 'damaged' });
    const { object: whole } = await putObject(connection, { store, name: 'b', source: bytes });
    const jsm = await jetstreamManager(connection);
    await jsm.streams.deleteMessage(`OBJ_${store}`, whole.revision - whole.chunks);
    expect(await read('b')).toEqual({ ok: false, reason: 'damaged' });
    let size = 0;
    const reading = (async () => {
      for await (const part of readObject(connection, whole)) size += part.byteLength;
    })();
    expect([await told(reading), size < whole.size]).toEqual(['object_damaged', true]);
  });
});
