/** The key ring on a real file system: what it says, when it changes, and what locks it. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKey, trustKey } from '@kanade/fleet/keys';
import { eventually, tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { type KeyRing, look, openKeyRing } from '../src/intake/key-ring.ts';

const silentLog = createLogger('silent', () => undefined);

async function openPlace() {
  const temp = await tempDir();
  onTestFinished(() => temp[Symbol.asyncDispose]());
  chmodSync(temp.path, 0o755);
  const keys = join(temp.path, 'keys');
  const path = join(temp.path, 'ring.json');
  const trust = (kid: string, { ring = path, enforcing = false } = {}): string => {
    const key = createKey({ dir: keys, kid });
    trustKey(ring, key.trusted, enforcing);
    return key.commandKey;
  };
  const follow = () => {
    const holder = openKeyRing({ path, log: silentLog, onChange: () => {} });
    onTestFinished(() => holder[Symbol.dispose]());
    return holder;
  };
  return { dir: temp.path, path, trust, follow };
}

const summary = (ring: KeyRing): unknown => {
  if (ring.kind === 'held') return [ring.enforcing, ...ring.commandKeys];
  return ring.kind === 'locked' ? ring.reason : ring.kind;
};

describe('look()', () => {
  it('reads a file, and every *.json of a directory as one', async () => {
    const { dir, path, trust } = await openPlace();
    const a = trust('a');
    expect(summary(look(path).ring)).toEqual([false, a]);
    const rings = join(dir, 'rings');
    mkdirSync(rings);
    const [b, c] = [
      trust('b', { ring: join(rings, 'b.json') }),
      trust('c', { ring: join(rings, 'c.json'), enforcing: true }),
    ];
    writeFileSync(join(rings, '.d.json'), 'left by an editor');
    writeFileSync(join(rings, 'README'), 'not a ring');
    expect(summary(look(rings).ring)).toEqual([true, b, c]);
  });

  it.each<[string, string, (path: string, dir: string) => void]>([
    ['is not there', 'ENOENT', (path) => rmSync(path)],
    ['is empty', 'it is empty', (path) => truncateSync(path, 0)],
    ['is cut short', 'it is not JSON', (path) => truncateSync(path, 40)],
    ['holds other bytes', 'it is not JSON', (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0, 1]))],
    ['holds zeros', 'it is not JSON', (path) => writeFileSync(path, Buffer.alloc(512))],
    ['is too large', 'the limit is', (path) => writeFileSync(path, ' '.repeat(300_000))],
    ['can be written by everybody', 'can be written by others (mode 666)', (path) => chmodSync(path, 0o666)],
    ['lies where everybody can write', 'can be written by others (mode 777)', (_, dir) => chmodSync(dir, 0o777)],
    [
      'is a directory without a file',
      'no file of a key ring is there',
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
    [
      'is a link to nothing',
      'ENOENT',
      (path) => {
        rmSync(path);
        symlinkSync('nowhere', path);
      },
    ],
    [
      'is a fifo',
      'is no file',
      (path) => {
        rmSync(path);
        execFileSync('sh', ['-c', 'mkfifo -m 600 "$1"', 'sh', path]);
      },
    ],
  ])('locks when the ring %s', async (_, reason, damage) => {
    const { dir, path, trust } = await openPlace();
    trust('a');
    damage(path, dir);
    expect(look(path).ring).toEqual({ kind: 'locked', reason: expect.stringContaining(reason) });
  });

  it.runIf(process.getuid?.() === 0)(
    'locks when the ring, or a file of it, is another user’s, and takes one of root',
    async () => {
      const { dir, path, trust } = await openPlace();
      trust('a');
      execFileSync('chown', ['65534', path]);
      expect(summary(look(path).ring)).toContain('belongs to user 65534');
      const rings = join(dir, 'rings');
      mkdirSync(rings);
      renameSync(path, join(rings, 'a.json'));
      expect(summary(look(rings).ring)).toContain('belongs to user 65534');
      execFileSync('chown', ['0', join(rings, 'a.json')]);
      expect(look(rings).ring.kind).toBe('held');
    },
  );
});

describe('openKeyRing()', () => {
  it('without a path is absent', () => {
    using holder = openKeyRing({ path: undefined, log: silentLog, onChange: () => {} });
    expect(holder.current).toEqual({ kind: 'absent' });
  });

  it('follows the file as keys come, are insisted upon, and go', async () => {
    const { path, trust, follow } = await openPlace();
    const a = trust('a');
    const holder = follow();
    expect(summary(holder.current)).toEqual([false, a]);
    const b = trust('b', { enforcing: true });
    await eventually(
      'the second key',
      () => summary(holder.current)?.toString() === [true, a, b].toString() || undefined,
    );
    const before = holder.current;
    chmodSync(path, 0o640);
    const c = trust('c', { enforcing: true });
    await eventually(
      'the third key',
      () => summary(holder.current)?.toString() === [true, a, b, c].toString() || undefined,
    );
    expect(holder.current).not.toBe(before);
  });

  it('locks when the ring is damaged for good, and obeys again when it is mended', async () => {
    const { path, trust, follow } = await openPlace();
    const a = trust('a', { enforcing: true });
    const holder = follow();
    truncateSync(path, 10);
    await eventually('the lock', () => holder.current.kind === 'locked' || undefined);
    expect(summary(holder.current)).toContain('it is not JSON');
    rmSync(path);
    await eventually('the other reason', () => String(summary(holder.current)).includes('ENOENT') || undefined);
    const b = trust('b');
    await eventually('the ring', () => holder.current.kind === 'held' || undefined);
    expect([summary(holder.current), a === b]).toEqual([[false, b], false]);
  });

  it('starts locked with a ring that is not there', async () => {
    const { follow } = await openPlace();
    expect(follow().current).toEqual({ kind: 'locked', reason: expect.stringContaining('ENOENT') });
  });
});
