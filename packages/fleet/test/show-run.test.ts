/** One run and all that is known of it, on a real broker. */
import { objectStores, outputKey } from '@kanade/shared/fleet';
import { natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type Fleet, readOutput, showRun, writeAudit } from '../src/index.ts';
import { putObject } from '../src/objects.ts';
import { openTestFleet } from './open-test-fleet.ts';

const result = {
  ...{ request_id: 'q', exec_id: 'e', pc_id: 'pc-1', exit_code: -1, ending: 'killed', stdout: 'short\n', stderr: '' },
  ...{ started_at: '2026-01-02T03:04:05Z', finished_at: '2026-01-02T03:04:06Z', manifest_id: 'job' },
  stop_report: { mechanism: 'control-group', members: 2, survivors: [{ pid: 7, name: 'deaf' }], elapsed_ms: 12 },
  collect_object: 'pc-1/job/1.zip',
};

const end = (fleet: Fleet, more: object) =>
  fleet.jetstream.publish('results.q', JSON.stringify({ ...result, ...more }));

async function begin(fleet: Fleet, id: string, exec = 'e'): Promise<void> {
  const ids = { result_id: id, request_id: 'q', exec_id: exec, pc_id: 'pc-1', manifest_id: 'job', version: '2' };
  const text = JSON.stringify({ ...ids, started_at: '2026-01-02T03:04:05Z' });
  await fleet.jetstream.publish(`events.started.${exec}.pc-1`, text);
}

async function printed(fleet: Fleet, sequence: number, stream: 'stdout' | 'stderr') {
  let text = '';
  let pieces = 0;
  const onBytes = (bytes: Uint8Array): void => {
    pieces++;
    text += Buffer.from(bytes).toString('latin1');
  };
  const missing = await readOutput(fleet, { sequence, stream, onBytes });
  return { text, pieces, missing };
}

describe.each(await natsServers())('showRun on nats-server $version', ({ path }) => {
  it('tells how it ended, that it began, who ordered it, and what ran after it', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await writeAudit(fleet, {
      ...{ user: 'ada', host: 'desk', action: 'exec' },
      order: {
        ...{ execId: 'e', requestId: 'q', jobId: 'job', version: '2', targets: [{ kind: 'pc', pc: 'pc-1' }] },
        ...{ subjects: [], timeoutMs: 60_000, jitterMs: 0, deadlineAt: undefined },
      },
    });
    await begin(fleet, 'run');
    await begin(fleet, 'open', 'e2');
    await end(fleet, { result_id: 'other', stdout: 'speaks of run' });
    await end(fleet, { result_id: 'run' });
    await end(fleet, { result_id: 'after', parent_result_id: 'run', manifest_id: 'job__finalize', exit_code: 0 });
    expect(await showRun(fleet, 'run')).toMatchObject({
      found: { sequence: 2, verdict: 'failed', ending: 'killed', result: { ...result, result_id: 'run', stdout: '' } },
      started: { result_id: 'run', version: '2' },
      receivedMs: expect.any(Number),
      after: [{ result: { result_id: 'after' } }],
      order: { user: 'ada', host: 'desk', order: { targets: [{ kind: 'pc', pc: 'pc-1' }] } },
      unknown: [],
    });
    expect(await showRun(fleet, 'open')).toMatchObject({
      ...{ found: undefined, started: { result_id: 'open', exec_id: 'e2' }, order: undefined, after: [] },
    });
    expect(await showRun(fleet, 'nobody')).toBeUndefined();
    for (const id of ['..', 'a b', '', '>', 'x'.repeat(1_000_000)])
      await expect(showRun(fleet, id)).rejects.toMatchObject({ code: 'invalid_id' });
    const { streams } = await fleet.jetstream.jetstreamManager();
    await streams.delete('EVENTS');
    await streams.delete('AUDIT');
    expect(await showRun(fleet, 'run')).toMatchObject({ found: { sequence: 2 }, started: undefined, order: undefined });
  });

  it('what it printed comes in pieces, also what is in the object store; what is missing is said', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const long = Buffer.alloc(1_000_000, 'a line of output\n');
    const name = outputKey('run', 'stdout');
    await putObject(fleet.connection, { store: objectStores.resultOutput, name, source: long });
    const { seq } = await end(fleet, { result_id: 'run', stdout: '', stdout_object: name, stderr: 'é\n' });
    const stdout = await printed(fleet, seq, 'stdout');
    expect([stdout.text.length, stdout.pieces > 1, stdout.missing]).toEqual([long.length, true, undefined]);
    expect(stdout.text === long.toString('latin1')).toBe(true);
    expect(await printed(fleet, seq, 'stderr')).toEqual({ text: 'Ã©\n', pieces: 1, missing: undefined });
    const gone = await end(fleet, { result_id: 'gone', stdout: '', stdout_object: 'gone/stdout' });
    expect((await printed(fleet, gone.seq, 'stdout')).missing).toEqual({
      ...{ stream: 'stdout', object: 'gone/stdout', reason: 'missing' },
    });
    await expect(printed(fleet, gone.seq + 1, 'stdout')).rejects.toMatchObject({ code: 'broker_failed' });
  });
});
