/** Archives of files that scripts name, on a real disk with everything that can be put in their way. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { fileBundle } from '../src/after/bundle.ts';
import { allows } from '../src/after/open-plain.ts';
import { unzip } from './unzip.ts';

async function openPlace() {
  const dir = await tempDir();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const from = join(dir.path, 'from');
  mkdirSync(from);
  const target = join(dir.path, 'b.zip');
  const notes: string[] = [];
  const signal = new AbortController().signal;
  const given = { target, env: { FROM: from }, bytesMax: 10_000_000, note: (text: string) => notes.push(text), signal };
  return { from, target, notes, given };
}

describe('fileBundle()', () => {
  it('takes paths, patterns and directories, each file once, under relative names', async () => {
    const { from, target, notes, given } = await openPlace();
    mkdirSync(join(from, 'deep/er'), { recursive: true });
    const long = randomBytes(300_000);
    const files: Record<string, string | Buffer> = {
      'a.log': 'a',
      'b.log': '',
      'c.txt': 'c'.repeat(200_000),
      'deep/.hidden': 'h',
      'deep/d.log': long,
      'deep/er/ü ä.log': 'e',
    };
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(from, name), bytes);
    const paths = [
      '$FROM/*.log',
      `${from}/a.log`,
      `${from}/**/d.log`,
      `${from}/deep`,
      `${from}/c.txt`,
      `${from}/none*`,
    ];
    const taken = await fileBundle({ ...given, paths });
    const relative = (name: string): string => join(from, name).slice(1);
    const found = unzip(readFileSync(target));
    const names = ['a.log', 'b.log', 'deep/d.log', 'deep/.hidden', 'deep/er/ü ä.log', 'c.txt'];
    expect([...found.keys()]).toEqual(names.map(relative));
    for (const [name, bytes] of Object.entries(files)) expect(found.get(relative(name))).toEqual(Buffer.from(bytes));
    expect(taken).toEqual(names.map((name) => join(from, name)));
    expect(notes).toEqual([`${from}/none*: no file`]);
    expect(statSync(target).mode & 0o777).toBe(0o600);
  });

  it('follows no link, waits for no pipe, and says so', async () => {
    const { from, target, notes, given } = await openPlace();
    writeFileSync(join(from, 'good'), 'good');
    symlinkSync('/etc/shadow', join(from, 'link'));
    const other = join(from, '../other');
    mkdirSync(other);
    writeFileSync(join(other, 'x'), 'secret');
    symlinkSync(other, join(from, 'dir'));
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(from, 'fifo')]);
    const server = createServer().listen(join(from, 'socket'));
    onTestFinished(() => void server.close());
    const paths = [
      `${from}/*`,
      `${from}/link`,
      `${from}/dir/x`,
      `${from}/dir/*`,
      '/dev/zero',
      `${from}/../x`,
      `${from}/gone`,
    ];
    const taken = await fileBundle({ ...given, paths });
    expect(taken).toEqual([join(from, 'good')]);
    expect([...unzip(readFileSync(target)).keys()]).toHaveLength(1);
    expect(notes).toEqual([
      `${from}/dir: a link is not followed`,
      `${from}/fifo: no plain file`,
      `${from}/link: a link is not followed`,
      `${from}/socket: no plain file`,
      `${from}/link: a link is not followed`,
      `${from}/dir/x: a link is not followed`,
      `${from}/dir/*: a link is not followed`,
      '/dev/zero: no plain file',
      `${from}/../x: .. is not followed`,
      `${from}/gone: no file`,
    ]);
  });

  it('counts a file with holes as long as it says it is, and takes what still fits', async () => {
    const { from, target, notes, given } = await openPlace();
    writeFileSync(join(from, 'bomb'), '');
    truncateSync(join(from, 'bomb'), 1e12);
    writeFileSync(join(from, 'small'), 'small');
    expect(await fileBundle({ ...given, paths: [`${from}/*`] })).toEqual([join(from, 'small')]);
    expect(notes).toEqual([`${from}/bomb: its 1000000000000 bytes do not fit: 0 of 10000000 are taken`]);
    expect(statSync(target).size).toBeLessThan(1_000);
    // Nothing that fits: no archive.
    expect(await fileBundle({ ...given, paths: [`${from}/bomb`] })).toEqual([]);
    expect(existsSync(target)).toBe(false);
  });

  it('takes of a file that grows what it had when it was opened', async () => {
    const { from, target, given } = await openPlace();
    const path = join(from, 'growing');
    const before = 'x'.repeat(2_000_000);
    writeFileSync(path, before);
    // All fits, however far it has grown when it is opened: on a busy machine that may be late.
    const packing = fileBundle({ ...given, bytesMax: 1e9, paths: [path] });
    let isDone = false;
    void packing.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      appendFileSync(path, 'y'.repeat(100_000));
      await new Promise((resolve) => setImmediate(resolve));
      if (statSync(path).size > 50_000_000) break;
    }
    await packing;
    const bytes = unzip(readFileSync(target)).get(path.slice(1)) ?? Buffer.alloc(0);
    expect(bytes.toString().startsWith(before)).toBe(true);
    expect(/^x+y*$/.test(bytes.toString())).toBe(true);
  });

  it('leaves nothing when it is told to stop', async () => {
    const { from, target, given } = await openPlace();
    const stopping = new AbortController();
    for (const name of ['a', 'b']) writeFileSync(join(from, name), randomBytes(1_000_000));
    const note = (): void => stopping.abort(new Error('stopped'));
    const paths = [`${from}/a`, 'no path', `${from}/b`];
    await expect(fileBundle({ ...given, note, paths, signal: stopping.signal })).rejects.toThrow('stopped');
    expect(existsSync(target)).toBe(false);
  });
});

it.each([
  ['the owner by its bits', { uid: 1, gid: 9, mode: 0o400 }, true],
  ['the owner not by those of others', { uid: 1, gid: 9, mode: 0o044 }, false],
  ['the group by its bits', { uid: 9, gid: 2, mode: 0o040 }, true],
  ['the group not by those of others', { uid: 9, gid: 2, mode: 0o404 }, false],
  ['others by theirs', { uid: 9, gid: 9, mode: 0o004 }, true],
  ['others not by those of the owner', { uid: 9, gid: 9, mode: 0o600 }, false],
])('allows(): %s', (_, file, isAllowed) => {
  expect(allows(file, { uid: 1, gid: 2 }, 4)).toBe(isAllowed);
});
