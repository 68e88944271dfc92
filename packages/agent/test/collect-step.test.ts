/** The step that collects, on a real disk: done twice, and cut short. */
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createAfter } from '../src/after/after.ts';
import { type CollectOptions, createCollectStep, pruneCollected } from '../src/after/collect.ts';
import { createLogger } from '../src/config/logger.ts';
import { limits } from '../src/limits.ts';
import type { JobOutcome, LiveRun, Run } from '../src/run/model.ts';
import { unzip } from './unzip.ts';

const command = {
  id: 'job',
  version: '1',
  request_id: 'q',
  shell: 'sh',
  script: '',
  timeout_secs: 1,
  collect: { name: 'c' },
} as const;
const run: Run = {
  runId: 'r-123456789',
  pcId: 'pc-1',
  requestId: 'q',
  execId: null,
  origin: 'fleet',
  owner: null,
  command,
};

const outcomeOf = (text: string): JobOutcome => ({
  kind: 'job',
  jobId: 'j',
  state: {
    job: { id: 'j', status: 'exited' },
    result: { exit_code: 0, signal: null, duration_ms: 1_500 },
    updated_at: '2026-01-02T03:04:07Z',
    finished_at: '2026-01-02T03:04:06Z',
    logs_drained: true,
    started_at_ms: Date.parse('2026-01-02T03:04:05Z'),
    ending: { kind: 'exited', exitCode: 0 },
  },
  read(_, from, bytesMax) {
    const part = Buffer.from(text).subarray(from, from + bytesMax);
    return { text: part.toString(), range: [from, from + part.length], totalBytes: Buffer.byteLength(text) };
  },
});

const blockOf = (...files: string[]): string =>
  `#KANADE-COLLECT-BEGIN\n${JSON.stringify({ files })}\n#KANADE-COLLECT-END\n`;

async function openStep(store: CollectOptions['store']) {
  const dir = await tempDir();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const collectedDir = join(dir.path, 'collected');
  mkdirSync(collectedDir);
  const [one, two] = [join(dir.path, 'one'), join(dir.path, 'two')];
  writeFileSync(one, 'one');
  writeFileSync(two, 'two');
  return { collectedDir, one, two, step: createCollectStep({ collectedDir, env: {}, store }) };
}

const stamp = '2026-01-02T03-04-06.500Z-r-123456';

describe('createCollectStep()', () => {
  it('makes the same again, over what an agent left that died in the middle', async () => {
    const { collectedDir, one, step } = await openStep(async () => false);
    const left = join(collectedDir, `${run.runId}-1.zip`);
    const { signal } = new AbortController();
    for (let again = 0; again < 2; again++) {
      writeFileSync(left, 'half an archive');
      const made = await step.take({ run, outcome: outcomeOf(blockOf(one)), signal });
      const key = `pc-1/job/${stamp}.zip`;
      expect(made).toEqual({
        notes: [],
        collectObject: key,
        bundles: [{ key, uploaded: false, files: [one] }],
        uploads: [{ store: 'collections', key, source: { kind: 'file', path: left } }],
      });
      expect([...unzip(readFileSync(left)).values()].map(String)).toEqual(['one']);
    }
  });

  it('leaves no file behind, and nothing to bring away, when the store has it', async () => {
    const { collectedDir, one, two, step } = await openStep(async ({ path }) => existsSync(path));
    const text = blockOf(one) + blockOf(two);
    const made = await step.take({ run, outcome: outcomeOf(text), signal: new AbortController().signal });
    const [first, second] = [`pc-1/job/${stamp}.zip`, `pc-1/job/${stamp}-2.zip`];
    expect(made).toEqual({
      notes: [],
      collectObject: first,
      bundles: [
        { key: first, uploaded: true, files: [one] },
        { key: second, uploaded: true, files: [two] },
      ],
      uploads: [],
    });
    expect(readdirSync(collectedDir)).toEqual([]);
  });

  it('keeps what was made when somebody stops the run, which has ended as it has', async () => {
    const stopping = new AbortController();
    const { one, two, step } = await openStep(async () => {
      stopping.abort(new Error('stopped by operator'));
      return false;
    });
    const live: LiveRun = {
      run,
      running: undefined,
      startedAtMs: undefined,
      stoppedBy: 'operator',
      stopSignal: stopping.signal,
    };
    const log = createLogger('silent', () => undefined);
    const after = createAfter([step], { log, signal: new AbortController().signal });
    const made = await after(live, outcomeOf(blockOf(one) + blockOf(two) + blockOf(two)));
    expect(made).toMatchObject({
      notes: ['[kanade] collect: archive 2 could not be made: stopped by operator'],
      collectObject: `pc-1/job/${stamp}.zip`,
      bundles: [{ files: [one] }],
      uploads: [{ key: `pc-1/job/${stamp}.zip` }],
    });
  });

  it('leaves the run to the next agent when this one ends', async () => {
    const ending = new AbortController();
    const { one, step } = await openStep(async () => {
      ending.abort(new Error('the agent ends'));
      return false;
    });
    const stopSignal = new AbortController().signal;
    const live: LiveRun = { run, running: undefined, startedAtMs: undefined, stoppedBy: undefined, stopSignal };
    const after = createAfter([step], { log: createLogger('silent', () => undefined), signal: ending.signal });
    await expect(after(live, outcomeOf(blockOf(one)))).rejects.toThrow('the agent ends');
  });
});

it('pruneCollected() takes what nobody brought away for as long as runs are kept', async () => {
  const { collectedDir } = await openStep(async () => false);
  const nowMs = Date.now();
  for (const [name, ageMs] of [
    ['old.zip', limits.keepEndedMs + 60_000],
    ['new.zip', limits.keepEndedMs - 60_000],
  ] as const) {
    writeFileSync(join(collectedDir, name), '');
    utimesSync(join(collectedDir, name), new Date(nowMs - ageMs), new Date(nowMs - ageMs));
  }
  await pruneCollected(collectedDir, nowMs);
  expect(readdirSync(collectedDir)).toEqual(['new.zip']);
});
