import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openScriptCache } from '../src/script/script-cache.ts';

const hexOf = (text: string): string => createHash('sha256').update(text).digest('hex');

async function openCache(limits = { bytesMax: 1_000, filesMax: 10 }) {
  const temp = await tempDir();
  onTestFinished(() => temp[Symbol.asyncDispose]());
  const cache = openScriptCache(temp.path, limits);
  return {
    dir: temp.path,
    cache,
    keep: (text: string) => cache.keep(hexOf(text), Buffer.from(text)),
    read: (text: string) => cache.read(hexOf(text))?.toString(),
    /** Says that a script was used last at this second. */
    used: (text: string, second: number) => utimesSync(join(temp.path, hexOf(text)), second, second),
  };
}

describe('the cache of scripts', () => {
  it('gives back what it keeps, in files for their owner alone', async () => {
    const { cache, dir, keep, read } = await openCache();
    expect([read('one'), keep('one'), read('one'), keep('one')]).toEqual([undefined, true, 'one', true]);
    expect(readdirSync(dir)).toEqual([hexOf('one')]);
    expect(statSync(join(dir, hexOf('one'))).mode & 0o777).toBe(0o600);
    expect(cache.read('../../etc/passwd')).toBeUndefined();
  });

  it.each<[string, (path: string, dir: string) => void]>([
    ['other bytes', (path) => writeFileSync(path, 'two')],
    ['fewer bytes', (path) => writeFileSync(path, 'on')],
    [
      'a link to the same bytes',
      (path, dir) => {
        writeFileSync(join(dir, 'elsewhere'), 'one');
        unlinkSync(path);
        symlinkSync(join(dir, 'elsewhere'), path);
      },
    ],
    [
      'a directory',
      (path) => {
        unlinkSync(path);
        mkdirSync(path);
      },
    ],
    ['nothing', (path) => unlinkSync(path)],
  ])('has nothing where somebody put %s, and takes the script again', async (_, harm) => {
    const { dir, keep, read } = await openCache();
    keep('one');
    const path = join(dir, hexOf('one'));
    harm(path, dir);
    expect(read('one')).toBeUndefined();
    if (existsSync(path) && statSync(path).isDirectory()) return; // a name that is taken is an error of the disk
    expect([keep('one'), read('one')]).toEqual([true, 'one']);
    expect(existsSync(join(dir, 'elsewhere')) && readFileSync(join(dir, 'elsewhere'), 'utf8')).not.toBe('two');
  });

  it('lets go what was not read for longest, and never what somebody holds', async () => {
    const { cache, keep, read, used } = await openCache({ bytesMax: 30, filesMax: 10 });
    for (const [at, text] of ['first-----', 'second----', 'third-----'].entries()) {
      keep(text);
      used(text, 1_000 + at);
    }
    expect(read('first-----')).toBe('first-----'); // now
    const held = cache.hold(hexOf('second----'));
    expect(keep('fourth----')).toBe(true);
    expect(['first-----', 'second----', 'third-----', 'fourth----'].map((text) => read(text) !== undefined)).toEqual([
      true,
      true,
      false,
      true,
    ]);
    const others = ['first-----', 'fourth----'].map((text) => cache.hold(hexOf(text)));
    expect([keep('fifth-----'), read('first-----')]).toEqual([false, 'first-----']);
    for (const other of [held, held, ...others]) other[Symbol.dispose]();
    expect([keep('fifth-----'), keep('x'.repeat(31)), read('fifth-----')]).toEqual([true, false, 'fifth-----']);
  });

  it('keeps so many files, and sweeps away what a write that was cut off has left', async () => {
    const { dir, keep } = await openCache({ bytesMax: 1_000, filesMax: 2 });
    writeFileSync(join(dir, `${hexOf('one')}.half`), 'o');
    for (const text of ['one', 'two', 'three']) expect(keep(text)).toBe(true);
    const names = readdirSync(dir);
    expect([names.length, names.includes(hexOf('three'))]).toEqual([2, true]);
    expect(names.every((name) => name.length === 64)).toBe(true);
  });
});
