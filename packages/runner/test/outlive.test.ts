import { appendFileSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { pathOf } from '@kanade/runner';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { launchJob } from '../src/life/launch.ts';
import { waitForEnd } from '../src/life/observe.ts';
import { settle } from '../src/life/settle.ts';
import { readMeta } from '../src/record/layout.ts';
import { jobDir } from '../src/record/root.ts';
import { launchScript } from './launch.ts';
import { startProgram } from './program.ts';

it('a job whose launcher is killed at once runs on, and its true ending is recorded', async () => {
  await using dir = await tempDir();
  const gate = `${dir.path}/gate`;
  const script = `echo before; while [ ! -e ${gate} ]; do sleep 0.05; done; echo after; exit 5`;
  const id = await startProgram('launch-and-die', [dir.path, script]).output;
  const job = jobDir(dir.path, id);
  expect(settle(job).status).toBe('running');
  writeFileSync(gate, '');
  const view = await waitForEnd(job);
  expect(view.state?.ending).toEqual({ kind: 'exited', exitCode: 5 });
  expect(readFileSync(pathOf(job, 'stdout'), 'utf8')).toBe('before\nafter\n');
});

it('a launcher that dies before it could write "running" leaves a job that settles all the same', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'exit 4');
  await launched.ended;
  const created = {
    job: { id: launched.job.id, status: 'created' },
    result: { exit_code: null, signal: null, duration_ms: null },
    updated_at: '2026-01-01T00:00:00Z',
    logs_drained: true,
  };
  writeFileSync(pathOf(launched.job, 'state'), JSON.stringify(created));
  expect(settle(launched.job).state?.ending).toEqual({ kind: 'exited', exitCode: 4 });
});

it('a launch that is cut off before any state is written settles all the same; later a missing state is damage', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'exit 4');
  await launched.ended;
  rmSync(pathOf(launched.job, 'state'));
  expect(settle(launched.job).status).toBe('unknown');
  rmSync(pathOf(launched.job, 'full'));
  expect(settle(launched.job).state?.ending).toEqual({ kind: 'exited', exitCode: 4 });
  expect(JSON.parse(readFileSync(pathOf(launched.job, 'state'), 'utf8')).job.status).toBe('exited');
});

it('a launch that is cut off before anything runs is under way for a while, then unknown', async () => {
  await using dir = await tempDir();
  const { job } = launchScript(dir.path, 'exit 4');
  for (const file of ['state', 'full', 'record'] as const) rmSync(pathOf(job, file));
  expect(settle(job).status).toBe('created');
  const longAgo = new Date(Date.now() - 60_000);
  utimesSync(pathOf(job, 'meta'), longAgo, longAgo);
  expect(settle(job)).toEqual({ job, status: 'unknown', state: undefined });
});

it('a job of another boot is lost, not running', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'sleep 60');
  const path = pathOf(launched.job, 'state');
  const state = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...state, identity: { ...state.identity, boot: 'another' } }));
  const view = settle(launched.job);
  expect([view.status, view.state?.ending]).toEqual(['failed', { kind: 'lost', reason: 'the machine was restarted' }]);
  process.kill(-state.pid, 'SIGKILL');
  await launched.ended;
});

it('a job whose shim was killed from outside is lost, and says so', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'sleep 60');
  process.kill(-(settle(launched.job).state?.pid ?? 0), 'SIGKILL');
  await launched.ended;
  expect(settle(launched.job).state?.ending).toEqual({
    kind: 'lost',
    reason: 'its shim was killed before it could record the ending',
  });
});

it('a running record of the ancestor is probed, never rewritten', async () => {
  await using dir = await tempDir();
  const { job } = launchJob(dir.path, { command: ['true'], cwd: dir.path }, process.env);
  const ancestor = {
    job: { id: job.id, status: 'running' },
    result: { exit_code: null, signal: null, duration_ms: null },
    pid: 2_147_483_646,
    updated_at: '2026-01-01T00:00:00Z',
  };
  await eventually('the launch is over', () => settle(job).status === 'exited');
  const text = JSON.stringify(ancestor);
  writeFileSync(pathOf(job, 'state'), text);
  expect(settle(job).status).toBe('unknown');
  writeFileSync(pathOf(job, 'state'), JSON.stringify({ ...ancestor, pid: process.pid }));
  expect(settle(job).status).toBe('running');
  expect(readMeta(job)?.command).toEqual(['true']);
});

it('a damaged state is unknown, not an exception', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'true');
  await launched.ended;
  appendFileSync(pathOf(launched.job, 'state'), '}{');
  expect(settle(launched.job).status).toBe('unknown');
});
