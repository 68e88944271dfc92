import { createHash } from 'node:crypto';
import { eventually, natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type Fleet, type FollowEvent, followResults } from '../src/index.ts';
import { openTestFleet } from './open-test-fleet.ts';

interface Sent {
  readonly pc: string;
  readonly stdout?: string;
  readonly object?: string;
  readonly resultId?: string;
}

async function send(fleet: Fleet, { pc, stdout = '', object, resultId = `result-${pc}` }: Sent): Promise<void> {
  const result = {
    result_id: resultId,
    request_id: 'r1',
    pc_id: pc,
    exit_code: 0,
    stdout,
    stderr: '',
    started_at: '2026-01-02T03:04:05Z',
    finished_at: '2026-01-02T03:04:06Z',
    ...(object === undefined ? {} : { stdout_object: object }),
  };
  await fleet.jetstream.publish('results.r1', JSON.stringify(result));
}

interface Stored {
  readonly text: string;
  readonly damaged?: boolean;
  /** Agents up to 0.1.0 left the padding off the key. */
  readonly unpadded?: boolean;
}

/** Stores an object as clients of NATS object stores do; written out here, because both sides of ours share one owner. */
async function putObject(fleet: Fleet, name: string, { text, damaged = false, unpadded = false }: Stored) {
  const nuid = `N${createHash('sha256').update(name).digest('hex').slice(0, 20)}`;
  const chunks = text.match(/[\s\S]{1,100000}/g) ?? [];
  for (const chunk of chunks) await fleet.jetstream.publish(`$O.result_output.C.${nuid}`, chunk);
  const pad = (base64: string): string => base64.padEnd(Math.ceil(base64.length / 4) * 4, '=');
  const hash = createHash('sha256')
    .update(damaged ? `${text}?` : text)
    .digest('base64url');
  const size = Buffer.byteLength(text);
  const info = { name, bucket: 'result_output', nuid, size, chunks: chunks.length, digest: `SHA-256=${pad(hash)}` };
  const encoded = Buffer.from(name).toString('base64url');
  await fleet.jetstream.publish(`$O.result_output.M.${unpadded ? encoded : pad(encoded)}`, JSON.stringify(info));
}

describe.each(await natsServers())('followResults on nats-server $version', ({ path }) => {
  it('sees results from before and after the call, each once, and no others', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await send(fleet, { pc: 'early' });
    await fleet.jetstream.publish('results.other', '{}');
    const pcs: string[] = [];
    for await (const result of followResults(fleet, { requestId: 'r1' })) {
      pcs.push(result.pc_id);
      if (pcs.length === 1) {
        await send(fleet, { pc: 'early' });
        await send(fleet, { pc: 'late' });
        await send(fleet, { pc: 'old-a', resultId: '' });
        await send(fleet, { pc: 'old-b', resultId: '' });
      }
      if (pcs.length === 4) break;
    }
    expect(pcs).toEqual(['early', 'late', 'old-a', 'old-b']);
    const jsm = await fleet.jetstream.jetstreamManager();
    await eventually('the consumer is gone', async () => {
      const { state } = await jsm.streams.info('RESULTS');
      return state.consumer_count === 0 || undefined;
    });
  });

  it('reports a message that is no result and goes on', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await fleet.jetstream.publish('results.r1', 'hello');
    await fleet.jetstream.publish('results.r1', '{"pc_id":1}');
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    await fleet.jetstream.publish('results.r1', deep);
    await fleet.jetstream.publish('results.r1', `{"__proto__":{"pc_id":"a"},"pc_id":${deep},"exit_code":1e400}`);
    await send(fleet, { pc: 'good' });
    const events: FollowEvent[] = [];
    for await (const result of followResults(fleet, { requestId: 'r1', onEvent: (event) => events.push(event) })) {
      expect(result.pc_id).toBe('good');
      break;
    }
    expect(events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
    expect(events[0]).toMatchObject({ sequence: 1, faults: [{ message: expect.stringContaining('not JSON') }] });
  });

  it.each([
    ['of a UUID', 'ca03c5ae-8bfd-4f01-a0a5-8b5cc9e9c1c2/stdout', false],
    ['whose length needs no padding', 'r1/out', false],
    ['that an agent up to 0.1.0 wrote', 'ca03c5ae-8bfd-4f01-a0a5-8b5cc9e9c1c2/stdout', true],
  ])('fetches output that was too long for a message, under a key %s', async (_, object, unpadded) => {
    await using opened = await openTestFleet(path);
    const text = 'line of output\n'.repeat(30_000);
    await putObject(opened.fleet, object, { text, unpadded });
    await send(opened.fleet, { pc: 'a', object });
    for await (const result of followResults(opened.fleet, { requestId: 'r1' })) {
      expect(result.stdout === text).toBe(true);
      expect(result).toMatchObject({ stdout_object: object, missingOutput: [] });
      break;
    }
  });

  it.each([
    ['missing', 'r1/none', {}],
    ['damaged', 'r1/damaged', {}],
    ['too_large', 'r1/large', { bytes: 400, bytesMax: 300 }],
  ])('says that output is %s and still returns the result', async (reason, object, details) => {
    await using opened = await openTestFleet(path);
    await putObject(opened.fleet, 'r1/damaged', { text: 'abc', damaged: true });
    await putObject(opened.fleet, 'r1/large', { text: 'x'.repeat(400) });
    await send(opened.fleet, { pc: 'a', object });
    for await (const result of followResults(opened.fleet, { requestId: 'r1', outputBytesMax: 300 })) {
      expect(result).toMatchObject({ pc_id: 'a', stdout: '', stdout_object: object });
      expect(result.missingOutput).toEqual([{ stream: 'stdout', object, reason, ...details }]);
      break;
    }
  });

  it('goes on over a crash of the broker', async () => {
    await using opened = await openTestFleet(path);
    const { fleet, broker } = opened;
    await send(fleet, { pc: 'before' });
    const pcs: string[] = [];
    for await (const result of followResults(fleet, { requestId: 'r1' })) {
      pcs.push(result.pc_id);
      if (pcs.length === 1) {
        await broker.restart('SIGKILL');
        await eventually('a result gets through', () => send(fleet, { pc: 'after' }).then(() => true));
      } else break;
    }
    expect(pcs).toEqual(['before', 'after']);
  });

  it('ends with the reason of its signal, and says no_topology without a stream', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const reason = new Error('enough');
    const enough = new AbortController();
    const results = followResults(fleet, { requestId: 'r1', signal: enough.signal });
    const first = results.next();
    enough.abort(reason);
    await expect(first).rejects.toBe(reason);
    await send(fleet, { pc: 'a' });
    const later = new AbortController();
    const seen: string[] = [];
    await expect(async () => {
      for await (const { pc_id } of followResults(fleet, { requestId: 'r1', signal: later.signal })) {
        seen.push(pc_id);
        later.abort(reason);
      }
    }).rejects.toBe(reason);
    expect(seen).toEqual(['a']);
    await (await fleet.jetstream.jetstreamManager()).streams.delete('RESULTS');
    await expect(followResults(fleet, { requestId: 'r1' }).next()).rejects.toMatchObject({ code: 'no_topology' });
  });
});
