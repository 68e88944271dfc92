import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bunPath } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { dialLocal } from '../src/socket.ts';
import { temporaryDirectory } from './serving.ts';

it.each([
  ['node', process.execPath],
  ['bun', bunPath()],
])('listenLocal knows its peer on %s', async (runtime, program) => {
  expect(existsSync(program)).toBe(true);
  const path = join(temporaryDirectory(), 'agent.sock');
  const child = spawn(
    program,
    ['--conditions=@kanade/source', join(import.meta.dirname, 'programs/report-peer.ts'), path],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('listening');
  const duplex = await dialLocal({ path });
  const report = JSON.parse((await lines.next()).value ?? '');
  duplex.destroy();
  expect(report).toMatchObject({
    runtime,
    peer: { uid: process.getuid?.(), gid: process.getgid?.(), userKey: `uid-${process.getuid?.()}`, pid: process.pid },
  });
  expect(report.peer.startTime).toMatch(/^\d+$/);
});
