import { chmodSync, chownSync, existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDataDir } from '../src/store/data-dir.ts';

async function place() {
  const dir = await tempDir();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  return join(dir.path, 'above', 'data');
}

const isRoot = process.getuid?.() === 0;
const stranger = 12_345;
/** A group that nothing says is private: no account or group file names it. */
const shared = 54_321;

describe('openDataDir()', () => {
  it('makes directories that are ours alone, whatever the umask', async () => {
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    const path = await place();
    mkdirSync(join(path, '..'), { mode: 0o755 });
    using dir = openDataDir(path);
    for (const made of [path, dir.jobs, dir.staged]) expect(statSync(made).mode & 0o777).toBe(0o700);
  });

  it('takes one that others may read', async () => {
    const path = await place();
    mkdirSync(path, { recursive: true, mode: 0o755 });
    using dir = openDataDir(path);
    expect(existsSync(dir.jobs)).toBe(true);
  });

  it.each<[string, (path: string) => void, RegExp]>([
    ['that everybody can write', (path) => chmodSync(path, 0o1777), /data can be written by others \(mode 1777\)/],
    [
      'below one that everybody can write',
      (path) => chmodSync(join(path, '..'), 0o777),
      /above can be written by others/,
    ],
  ])('refuses one %s', async (_, spoil, said) => {
    const path = await place();
    mkdirSync(path, { recursive: true, mode: 0o700 });
    spoil(path);
    expect(() => openDataDir(path)).toThrow(said);
    expect(existsSync(join(path, 'jobs'))).toBe(false);
  });

  it('refuses one behind a link that a stranger can turn', async () => {
    const path = await place();
    const open = join(path, '..', 'open');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    mkdirSync(open);
    chmodSync(open, 0o777);
    symlinkSync(path, join(open, 'link'));
    expect(() => openDataDir(join(open, 'link'))).toThrow(/open can be written by others/);
  });

  it('goes below a sticky directory, where nobody exchanges what is ours', async () => {
    const path = await place();
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(join(path, '..'), 0o1777);
    using dir = openDataDir(path);
    expect(existsSync(dir.jobs)).toBe(true);
  });

  it.runIf(isRoot)('lets nobody but a group of its own user write', async () => {
    const path = await place();
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o770); // as many systems make directories: root is alone in its group
    openDataDir(path)[Symbol.dispose]();
    chownSync(path, 0, shared);
    chmodSync(path, 0o770);
    expect(() => openDataDir(path)).toThrow(/data can be written by others \(mode 770\)/);
  });

  it.runIf(isRoot)('refuses one of another user, and one below it', async () => {
    const path = await place();
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chownSync(path, stranger, stranger);
    expect(() => openDataDir(path)).toThrow(
      /data belongs to user 12345: it must belong to the user of the agent \(0\)/,
    );
    chownSync(path, 0, 0);
    chownSync(join(path, '..'), stranger, stranger);
    expect(() => openDataDir(path)).toThrow(
      /above belongs to user 12345: it must belong to root or the user of the agent/,
    );
  });
});
