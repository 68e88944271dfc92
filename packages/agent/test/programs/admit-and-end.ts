// Does with the file of an agent what an agent does, as fast as it can, until it is killed: `admit-and-end.ts <path>`.
// One line per step, written before anything can follow from it:
//   t <id>  an order came               a <id>  it is admitted (acknowledged)       e <id>  its ending is written down
//   d <record id>  what was published is about to leave the outbox
import { writeSync } from 'node:fs';
import { openOutbox } from '@kanade/outbox';
import { resultOf } from '../../src/report/report.ts';
import type { Run } from '../../src/run/model.ts';
import { openLedger } from '../../src/store/ledger.ts';
import { openStateFile } from '../../src/store/state-file.ts';
import { arrivalOf } from '../arrival.ts';

const [, , path = ''] = process.argv;

/** Nothing is done before it is said: a full pipe, whose reader is busy, is waited for. */
function say(step: string, id: string): void {
  for (;;) {
    try {
      writeSync(1, `${step} ${id}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}
/** A turn of the event loop, in which the drainer works. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

await using file = openStateFile(path);
await using outbox = openOutbox({ durable: file });
const ledger = openLedger({ file, outbox });

/** Told when a result is published, by its id. */
const awaited = new Map<string, () => void>();

async function work(worker: number): Promise<void> {
  for (let count = 0; ; count++) {
    const id = `${worker}-${count}`;
    // Now and then over one page, so that overflow pages are in play.
    const text = id.padEnd(count % 5 === 0 ? 6_000 : 100, '.');
    const command = { id: 'job', version: '1', request_id: id, exec_id: 'e', shell: 'sh', script: text } as const;
    const run: Run = {
      runId: `run-${id}`,
      pcId: 'pc-1',
      requestId: id,
      execId: 'e',
      origin: 'fleet',
      owner: null,
      command: { ...command, timeout_secs: 5 },
    };
    say('t', id);
    ledger.admit(run, arrivalOf(run));
    say('a', id);
    await turn();
    ledger.launching(run.runId, `job-${id}`, 'boot');
    const nowMs = Date.now();
    const started_at = new Date(nowMs).toISOString();
    ledger.running(run.runId, nowMs, { result_id: run.runId, request_id: id, exec_id: 'e', pc_id: 'pc-1', started_at });
    await turn();
    const end = { ending: { kind: 'exited', exitCode: count % 100 }, status: 'completed', skipped: false } as const;
    const printed = { stdout: { text, isWhole: true, bytes: 0 }, stderr: { text: '', isWhole: true, bytes: 0 } };
    const told = { ...end, exitCode: count % 100, ...printed, notes: [], startedAtMs: nowMs, endedAtMs: nowMs };
    ledger.ended(run, told, { result: resultOf(run, told) });
    say('e', id);
    // Every third is waited for, so that the drainer keeps up with what is written.
    await (count % 3 === 0 ? new Promise<void>((resolve) => awaited.set(run.runId, resolve)) : turn());
  }
}

const draining = outbox.drain({
  concurrency: 4,
  async deliver({ id }) {
    // Every third goes, so that the queue grows and shrinks; the others are refused and back off.
    if (Number(/\d+(?=\.started|$)/.exec(id)?.[0]) % 3 !== 0) throw new Error('not now');
    say('d', id);
    awaited.get(id)?.();
  },
});
await Promise.all([draining, ...Array.from({ length: 4 }, (_, worker) => work(worker))]);
