/** Events of a run over a real file and outbox: repeated after a crash, and without room. */
import { join } from 'node:path';
import { type OutboxLimits, openOutbox } from '@kanade/outbox';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEmitStep } from '../src/after/emit.ts';
import type { JobOutcome, Run } from '../src/run/model.ts';
import { openLedger } from '../src/store/ledger.ts';
import { openStateFile } from '../src/store/state-file.ts';
import { arrivalOf } from './arrival.ts';

const command = {
  id: 'job',
  version: '1',
  request_id: 'q',
  shell: 'sh',
  script: '',
  timeout_secs: 1,
  emit: { type: 'events' },
} as const;
const run: Run = { runId: 'r', pcId: 'pc-1', requestId: 'q', execId: null, origin: 'fleet', owner: null, command };
const line = JSON.stringify({ at: '2026-01-02T03:04:05Z', kind: 'k', source: 'test:a' });

/** What a job printed, kept as text; calls back before each read. */
function outcomeOf(text: string, onRead: () => void): JobOutcome {
  const bytes = Buffer.from(text);
  return {
    kind: 'job',
    jobId: 'j',
    state: undefined,
    read(_, from, bytesMax) {
      onRead();
      const part = bytes.subarray(from, from + bytesMax);
      return { text: part.toString(), range: [from, from + part.length], totalBytes: bytes.length };
    },
  };
}

async function openEmit(limits: Partial<OutboxLimits> = {}) {
  const dir = await tempDir();
  const file = openStateFile(join(dir.path, 'agent.db'));
  const outbox = openOutbox({ durable: file, limits });
  onTestFinished(async () => {
    await outbox[Symbol.asyncDispose]();
    await file[Symbol.asyncDispose]();
    await dir[Symbol.asyncDispose]();
  });
  openLedger({ file, outbox }).admit(run, arrivalOf(run));
  const count = async () => (await outbox.count()).ready.records;
  return { step: createEmitStep({ file, outbox }), count };
}

describe('createEmitStep()', () => {
  it('goes on behind what an agent queued that died in the middle', async () => {
    const { step, count } = await openEmit();
    const text = `no event\n${`${line}\n`.repeat(2_999)}${line}`;
    const dying = new AbortController();
    let reads = 0;
    const stopping = outcomeOf(text, () => ++reads > 2 && dying.abort(new Error('the agent ends')));
    await expect(step.take({ run, outcome: stopping, signal: dying.signal })).rejects.toThrow('the agent ends');
    const before = await count();
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(3_000);
    const outcome = outcomeOf(text, () => undefined);
    const { signal } = new AbortController();
    // Twice: the second time there is nothing left to queue.
    for (let again = 0; again < 2; again++) {
      const { stdout, notes } = await step.take({ run, outcome, signal });
      expect(stdout).toBe('');
      expect(notes).toEqual([expect.stringContaining('1 lines are no event')]);
    }
    expect(await count()).toBe(3_000);
  });

  it('says how many events found no room, and fails nothing', async () => {
    const { step, count } = await openEmit({ recordsMax: 250 });
    const outcome = outcomeOf(`${line}\n`.repeat(1_000), () => undefined);
    const { notes } = await step.take({ run, outcome, signal: new AbortController().signal });
    expect(notes).toEqual(['[kanade] emit: 800 events were left out: they find no room on this machine (over_budget)']);
    expect(await count()).toBe(200);
  });
});
