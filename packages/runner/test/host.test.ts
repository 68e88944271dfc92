import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jobDir, pathOf, waitForEnd } from '@kanade/runner';
import { createHost, type HostEvent, liveHost, markForCare, runHost } from '@kanade/runner/host';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { launchScript } from './launch.ts';
import { startProgram } from './program.ts';

it('enforces a deadline: TERM, and KILL for what ignores it', async () => {
  await using dir = await tempDir();
  await using host = createHost({ root: dir.path });
  const launched = launchScript(dir.path, "trap '' TERM; sleep 60; sleep 60", { timeoutMs: 100, killAfterMs: 50 });
  expect((await host.adopt(launched.job)).state?.ending).toEqual({ kind: 'timed_out', signal: 9 });
});

it('reports the ending of what it launched, once', async () => {
  await using dir = await tempDir();
  const events: HostEvent[] = [];
  await using host = createHost({ root: dir.path, onEvent: (event) => events.push(event) });
  const { job } = host.launch({ command: ['exit 6'], cwd: dir.path, shellWrapper: ['sh', '-c'] }, process.env);
  await host.adopt(job);
  expect(events.map((event) => event.kind === 'ended' && event.view.state?.ending)).toEqual([
    { kind: 'exited', exitCode: 6 },
  ]);
});

it('the deadline of a job holds though its launcher and a first host were killed', async () => {
  await using dir = await tempDir();
  const id = await startProgram('launch-and-die', [dir.path, 'sleep 60', '700']).output;
  markForCare(dir.path, jobDir(dir.path, id));
  const first = startProgram('host', [dir.path]);
  await eventually('the first host serves', () => liveHost(dir.path));
  first.child.kill('SIGKILL');
  await first.output;
  const second = startProgram('host', [dir.path, '100']);
  expect((await waitForEnd(jobDir(dir.path, id))).state?.ending).toMatchObject({ kind: 'timed_out' });
  expect(await second.output).toBe('idle');
  expect(liveHost(dir.path)).toBeUndefined();
});

it('serves a root only once at a time', async () => {
  await using dir = await tempDir();
  const first = startProgram('host', [dir.path]);
  const own = await eventually('the first host serves', () => liveHost(dir.path));
  const others = await Promise.all([1, 2, 3].map(() => startProgram('host', [dir.path, '50']).output));
  expect(others).toEqual(['busy', 'busy', 'busy']);
  expect(JSON.parse(readFileSync(join(dir.path, '.host/host.json'), 'utf8')).pid).toBe(own.pid);
  first.child.kill('SIGTERM');
  expect(await first.output).toBe('stopped');
});

it('leaves its jobs running when it is stopped', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'sleep 60');
  markForCare(dir.path, launched.job);
  const stop = new AbortController();
  const serving = runHost({ root: dir.path, signal: stop.signal });
  stop.abort();
  expect(await serving).toBe('stopped');
  const view = await waitForEnd(launched.job, { timeoutMs: 0 });
  expect(view.status).toBe('running');
  process.kill(-(view.state?.pid ?? 0), 'SIGKILL');
  expect(readFileSync(pathOf(launched.job, 'stdout'), 'utf8')).toBe('');
});
