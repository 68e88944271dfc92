import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockHolder, takeLock } from '@kanade/durable/lock';
import { runtimeWords, tempDir } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';

const start = (runtime: 'node' | 'bun', args: readonly string[]) => {
  const [command, ...flags] = runtimeWords(runtime);
  const program = join(import.meta.dirname, 'programs/hold-lock.ts');
  const child = spawn(command, [...flags, program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
};

it('is held by one, within a process too, and given back', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'lock');
  const first = takeLock(path);
  expect(first.kind).toBe('held');
  expect(takeLock(path)).toEqual({ kind: 'busy' });
  if (first.kind === 'held') first.release();
  const second = takeLock(path);
  expect(second.kind).toBe('held');
  expect(existsSync(path)).toBe(true);
  if (second.kind === 'held') second.release();
});

it.each(['node', 'bun'] as const)('ends with its holder, however that ends (%s)', async (runtime) => {
  await using directory = await tempDir();
  const path = join(directory.path, 'lock');
  const whoOnLinux = (pid: number | null | undefined) => (process.platform === 'linux' ? pid : undefined);
  expect(lockHolder(path)).toBe(null);
  const holder = start(runtime, [path]);
  await once(holder.stdout, 'data');
  expect(takeLock(path)).toEqual({ kind: 'busy' });
  expect(lockHolder(path)).toBe(whoOnLinux(holder.pid));
  holder.kill('SIGKILL');
  await once(holder, 'close');
  expect(lockHolder(path)).toBe(whoOnLinux(null));
  expect(takeLock(path).kind).toBe('held');
});

it('waits for a holder who is just leaving', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'lock');
  const holder = start('node', [path, 'leave']);
  await once(holder.stdout, 'data');
  await new Promise<void>((resolve) => holder.stdin.end(resolve));
  expect(takeLock(path, { waitMs: 30_000 }).kind).toBe('held');
});

it('says that its directory is gone, and replaces what is no lock', async () => {
  await using directory = await tempDir();
  expect(takeLock(join(directory.path, 'absent/lock'))).toEqual({ kind: 'gone' });
  const path = join(directory.path, 'lock');
  writeFileSync(path, 'no database '.repeat(100));
  expect(takeLock(path).kind).toBe('held');
});

it('survives holders who remove its directory while others take it', { timeout: 60_000 }, async () => {
  await using directory = await tempDir();
  const root = join(directory.path, 'root');
  const rounds = Array.from({ length: 6 }, (_, index) => start(index % 2 === 0 ? 'node' : 'bun', [root, 'remove']));
  const said = await Promise.all(
    rounds.map(async (child) => {
      let text = '';
      child.stdout.on('data', (chunk) => {
        text += chunk;
      });
      const [code] = await once(child, 'close');
      return { code, ...JSON.parse(text) };
    }),
  );
  expect(said.map(({ code }) => code)).toEqual(rounds.map(() => 0));
  expect(said.reduce((sum, { held }) => sum + held, 0)).toBeGreaterThan(0);
  rmSync(root, { recursive: true, force: true });
});
