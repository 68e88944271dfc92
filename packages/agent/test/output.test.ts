import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openJobs } from '@kanade/runner';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { limits } from '../src/limits.ts';
import { cutForPush } from '../src/local/cut-for-push.ts';
import { cutToBytes } from '../src/report/cut-to-bytes.ts';
import { outputOf, type ReadBytes } from '../src/report/output-source.ts';
import { type ReadFrom, readChunk } from '../src/report/read-chunk.ts';

async function logOf(content: string | Uint8Array) {
  const dir = await tempDir();
  const jobs = openJobs(dir.path, { keeper: 'process' });
  const job = jobs.create({ command: ['true'], cwd: '/' });
  const path = join(job.path, 'stdout.log');
  writeFileSync(path, content);
  const read: ReadFrom = (from, bytesMax) => jobs.readText(job, 'stdout', { from, bytesMax });
  const bytes: ReadBytes = (from, bytesMax) => jobs.readBytes(job, 'stdout', { from, bytesMax });
  return { path, read, bytes, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

/** All of it, and the largest piece, in bytes. */
async function read(source: Parameters<typeof outputOf>[0]): Promise<{ text: string; largest: number }> {
  const pieces: Uint8Array[] = [];
  for await (const piece of outputOf(source)) pieces.push(piece);
  return { text: Buffer.concat(pieces).toString('utf8'), largest: Math.max(0, ...pieces.map(({ length }) => length)) };
}

describe('outputOf()', () => {
  it.each([
    ['nothing', '', ''],
    ['what fits exactly', '123456789', '123456789'],
    [
      'one byte more',
      '123456789x',
      '123456\n[kanade] output truncated: 10 bytes written, 1 dropped (kept the first 6 and last 3)\n89x',
    ],
  ])('returns %s', async (_, written, expected) => {
    await using log = await logOf(written);
    const source = { read: log.bytes, bytes: written.length, bytesMax: 9 };
    expect((await read({ ...source, notes: [] })).text).toBe(expected);
  });

  it('keeps a character that lies at the seam of an output that fits', async () => {
    await using log = await logOf('12345é789');
    expect((await read({ read: log.bytes, bytes: 10, bytesMax: 10, notes: [] })).text).toBe('12345é789');
  });

  it.each([
    ['characters on the borders of its pieces', Buffer.from(`a${'añ😀あ'.repeat(60_000)}`)],
    ['bytes that are no UTF-8', Buffer.from(`${'A\xff\xe3\x81B\xf0\x9f\x98'.repeat(60_000)}\xf0\x9f`, 'latin1')],
  ])('reads %s as if it were one text, piece by piece', async (_, written) => {
    await using log = await logOf(written);
    const { text, largest } = await read({ read: log.bytes, bytes: written.length, notes: [] });
    expect(text === written.toString('utf8')).toBe(true);
    expect(largest).toBeLessThanOrEqual(3 * limits.pieceBytes);
  });

  it('says at its end what we have to say, on lines of its own', async () => {
    await using log = await logOf('out');
    const source = { read: log.bytes, bytes: 3, notes: ['killed by user', 'and more'] };
    expect((await read(source)).text).toBe('out\nkilled by user\nand more\n');
    writeFileSync(log.path, 'ou\n');
    expect((await read(source)).text).toBe('ou\nkilled by user\nand more\n');
  });

  it('reads no more than had been printed when the run ended', async () => {
    await using log = await logOf('out, and more of what lives on');
    expect((await read({ read: log.bytes, bytes: 3, notes: [] })).text).toBe('out');
  });

  it('says what is missing of a log that was cut, and why one cannot be read', async () => {
    await using log = await logOf('12345');
    const missing = '[kanade] output cannot be read: its files hold 5 of 9 bytes\n';
    expect((await read({ read: log.bytes, bytes: 9, notes: ['note'] })).text).toBe(`12345\n${missing}note\n`);
    rmSync(log.path);
    expect((await read({ read: log.bytes, bytes: 9, notes: [] })).text).toBe(missing.replace('5 of', '0 of'));
    const refuse: ReadBytes = () => {
      throw new Error('EIO: i/o error, read');
    };
    const text = '[kanade] output cannot be read: EIO: i/o error, read\n';
    expect((await read({ read: refuse, bytes: 9, notes: [] })).text).toBe(text);
  });
});

describe('cutToBytes()', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'abc'],
    ['aé', 2, 'a'],
    ['a😀', 4, 'a'],
    ['a😀', 5, 'a😀'],
    ['😀', 0, ''],
  ])('cuts %s to %i bytes: %s', (text, bytes, expected) => {
    expect(cutToBytes(text, bytes)).toBe(expected);
  });
});

describe('cutForPush()', () => {
  it('leaves what fits', () => {
    expect(cutForPush('x'.repeat(262_144))).toHaveLength(262_144);
  });

  it.each([
    ['plain text', 'x'],
    ['characters of three bytes', 'あ'],
    ['control characters', '\u0001'],
  ])('cuts %s so that it fits into a message, and says so', (_, character) => {
    const cut = cutForPush(character.repeat(400_000));
    expect(cut).toMatch(/\n\.\.\.\[truncated: output exceeded 256 KiB\]\n$/);
    expect(Buffer.byteLength(JSON.stringify(cut))).toBeLessThan(limits.pushOutputJsonBytesMax + 100);
    expect(cut).not.toContain('\ufffd');
  });
});

describe('readChunk()', () => {
  it('leaves an incomplete character for the next chunk', async () => {
    const bytes = Buffer.from('ab😀');
    await using log = await logOf(bytes.subarray(0, 4));
    expect(readChunk(log.read, 0, 1024)).toEqual({ text: 'ab', end: 2, totalBytes: 4 });
    writeFileSync(log.path, bytes);
    expect(readChunk(log.read, 2, 1024)).toEqual({ text: '😀', end: 6, totalBytes: 6 });
  });

  it('passes bytes that never become a character', async () => {
    const bytes = Buffer.alloc(8, 0xff);
    await using log = await logOf(bytes);
    // The last one may be the beginning of a character, as far as anybody knows.
    expect(readChunk(log.read, 0, 1024)).toMatchObject({ text: '\ufffd'.repeat(7), end: 7 });
    writeFileSync(log.path, Buffer.concat([bytes, Buffer.from('a')]));
    expect(readChunk(log.read, 7, 1024)).toMatchObject({ text: '\ufffda', end: 9 });
  });

  it('joins to the whole text over many chunks', async () => {
    const text = 'añ😀あ'.repeat(30_000);
    await using log = await logOf(text);
    let seen = '';
    for (let at = 0; at < Buffer.byteLength(text); ) {
      const chunk = readChunk(log.read, at, limits.pushChunkBytesMax);
      expect(chunk.end).toBeGreaterThan(at);
      seen += chunk.text;
      at = chunk.end;
    }
    expect(seen).toBe(text);
  });
});
