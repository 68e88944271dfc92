import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openJobs } from '@kanade/runner';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { limits } from '../src/limits.ts';
import { cutForPush, type ReadFrom, readChunk } from '../src/local/feed.ts';
import { cutToBytes } from '../src/report/cut-to-bytes.ts';
import { readCapped } from '../src/report/end-of.ts';

async function logOf(content: string | Uint8Array) {
  const dir = await tempDir();
  const jobs = openJobs(dir.path, { keeper: 'process' });
  const job = jobs.create({ command: ['true'], cwd: '/' });
  const path = join(job.path, 'stdout.log');
  writeFileSync(path, content);
  const read: ReadFrom = (from, bytesMax) => jobs.read(job, 'stdout', { from, bytesMax });
  return { path, read, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

describe('readCapped()', () => {
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
    expect(readCapped(log.read, 9)).toBe(expected);
  });

  it('keeps a character that lies at the seam of an output that fits', async () => {
    await using log = await logOf('12345é789');
    expect(readCapped(log.read, 10)).toBe('12345é789');
  });

  it('replaces bytes that are no UTF-8', async () => {
    await using log = await logOf(Uint8Array.of(0x41, 0xff, 0x42));
    expect(readCapped(log.read)).toBe('A\ufffdB');
  });

  it('reads a log that is not there as empty', async () => {
    await using log = await logOf('');
    rmSync(log.path);
    expect(readCapped(log.read)).toBe('');
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
    expect(readChunk(log.read, 0)).toEqual({ text: 'ab', end: 2, totalBytes: 4 });
    writeFileSync(log.path, bytes);
    expect(readChunk(log.read, 2)).toEqual({ text: '😀', end: 6, totalBytes: 6 });
  });

  it('passes bytes that never become a character', async () => {
    const bytes = Buffer.alloc(8, 0xff);
    await using log = await logOf(bytes);
    // The last one may be the beginning of a character, as far as anybody knows.
    expect(readChunk(log.read, 0)).toMatchObject({ text: '\ufffd'.repeat(7), end: 7 });
    writeFileSync(log.path, Buffer.concat([bytes, Buffer.from('a')]));
    expect(readChunk(log.read, 7)).toMatchObject({ text: '\ufffda', end: 9 });
  });

  it('joins to the whole text over many chunks', async () => {
    const text = 'añ😀あ'.repeat(30_000);
    await using log = await logOf(text);
    let seen = '';
    for (let at = 0; at < Buffer.byteLength(text); ) {
      const chunk = readChunk(log.read, at);
      expect(chunk.end).toBeGreaterThan(at);
      seen += chunk.text;
      at = chunk.end;
    }
    expect(seen).toBe(text);
  });
});
