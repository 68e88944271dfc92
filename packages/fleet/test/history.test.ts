/** The past of a fleet, asked for on a real broker. */
import { type ExecResult, execResultDefaults } from '@kanade/shared/fleet';
import { natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type FindResultsOptions, type Fleet, findResults, readResult } from '../src/index.ts';
import { openTestFleet } from './open-test-fleet.ts';

type Sent = Partial<ExecResult> & { readonly result_id: string };

async function end(fleet: Fleet, { request_id = 'q', ...more }: Sent): Promise<number> {
  const result = {
    ...{ ...execResultDefaults, request_id, pc_id: 'pc-1', exit_code: 0, stdout: 'printed\n', stderr: '' },
    ...{ started_at: '2026-01-02T03:04:05Z', finished_at: '2026-01-02T03:04:06Z', manifest_id: 'job', ...more },
  };
  return (await fleet.jetstream.publish(`results.${request_id}`, JSON.stringify(result))).seq;
}

interface Begin {
  readonly pc?: string;
  readonly exec?: string;
  readonly job?: string;
}

async function begin(fleet: Fleet, id: string, { pc = 'pc-1', exec = 'e', job = 'job' }: Begin = {}): Promise<void> {
  const event = { result_id: id, request_id: 'q', exec_id: exec, pc_id: pc, manifest_id: job };
  const text = JSON.stringify({ ...event, started_at: '2026-01-02T03:04:05Z' });
  await fleet.jetstream.publish(`events.started.${exec}.${pc}`, text);
}

/** Result ids of what is found; those of runs that go on; whether that is all, and where to go on. */
async function look(fleet: Fleet, more: Partial<FindResultsOptions> = {}) {
  const { results, running, complete, next } = await findResults(fleet, { limit: 100, ...more });
  const ids = results.map(({ result }) => result.result_id).join(' ');
  return { ids, running: running.map(({ result_id }) => result_id).join(' '), complete, next };
}

/** When the broker took the newest result, in ms of its clock. */
async function newestMs(fleet: Fleet): Promise<number> {
  const { streams } = await fleet.jetstream.jetstreamManager();
  const { state } = await streams.info('RESULTS');
  return Date.parse(state.last_ts);
}

describe.each(await natsServers())('findResults on nats-server $version', ({ path }) => {
  it('by order, job, machine, ending: the newest first, each once, a part at a time', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await fleet.jetstream.publish('results.q', 'no result');
    await fleet.jetstream.publish('results.q', '{"__proto__":{"pc_id":"pc-1"},"exit_code":1e400}');
    await end(fleet, { result_id: 'a', exit_code: 3 });
    await end(fleet, { result_id: 'b', pc_id: 'pc-2', request_id: 'q2', manifest_id: 'other', ending: 'timed_out' });
    await end(fleet, { result_id: 'c', exit_code: 126, skipped: true });
    await end(fleet, { result_id: 'a', exit_code: 3 });
    await end(fleet, { result_id: 'd', pc_id: 'pc-3', request_id: 'q2', exec_id: 'e2' });
    await end(fleet, { result_id: 'c1', parent_result_id: 'c', manifest_id: 'job__finalize' });
    const all = { complete: true, running: '', next: undefined };
    expect(await look(fleet)).toEqual({ ...all, ids: 'd a c c1 b' });
    expect(await look(fleet, { requestId: 'q2' })).toEqual({ ...all, ids: 'd b' });
    expect(await look(fleet, { jobId: 'job' })).toEqual({ ...all, ids: 'd a c c1' });
    expect(await look(fleet, { jobId: 'e2' })).toEqual({ ...all, ids: 'd' });
    expect(await look(fleet, { pcs: ['pc-2', 'pc-3'] })).toEqual({ ...all, ids: 'd b' });
    expect(await look(fleet, { endings: ['timed_out', 'not_started'] })).toEqual({ ...all, ids: 'c b' });
    expect(await look(fleet, { failed: true })).toEqual({ ...all, ids: 'a' });
    expect(await look(fleet, { jobId: 'nobody' })).toEqual({ ...all, ids: '' });
    for (const more of [{}, { requestId: 'q' }, { requestId: 'q2' }, { pcs: ['pc-1'] }]) {
      const whole = (await look(fleet, more)).ids.split(' ');
      const told = new Set<string>();
      for (let before: number | undefined; ; ) {
        const { ids, complete, next } = await look(fleet, { ...more, limit: 1, ...(before ? { before } : {}) });
        for (const id of ids.split(' ').filter(Boolean)) told.add(id);
        if (complete) break;
        expect(next).toBeLessThan(before ?? Number.POSITIVE_INFINITY);
        before = next;
      }
      expect([...told].sort()).toEqual(whole.sort());
    }
    const bounded = await look(fleet, { jobId: 'other', searchMessagesMax: 3 });
    expect(bounded).toEqual({ ids: '', running: '', complete: false, next: 6 });
    expect(await look(fleet, { jobId: 'other', before: bounded.next ?? 0 })).toEqual({ ...all, ids: 'b' });
  });

  it('by time, as the broker tells it', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const times: number[] = [];
    for (const result_id of ['a', 'b', 'c']) {
      await end(fleet, { result_id });
      times.push(await newestMs(fleet));
      // The next one comes in another millisecond.
      while (Date.now() <= (times.at(-1) ?? 0) + 1) await fleet.connection.flush();
    }
    const [a = 0, b = 0, c = 0] = times.map(Math.floor);
    const between = async (sinceMs?: number, untilMs?: number) => (await look(fleet, { sinceMs, untilMs })).ids;
    expect([await between(a), await between(b), await between(c), await between(c + 1_000)]).toEqual([
      ...['c b a', 'c b', 'c', ''],
    ]);
    expect([await between(undefined, a), await between(undefined, b), await between(a, c)]).toEqual(['', 'a', 'b a']);
    expect(await between(-1e15, 8e15)).toBe('c b a');
  });

  it('runs that have begun and not ended, as far back as is known', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await fleet.jetstream.publish('events.started.e.pc-1', 'no event');
    for (const id of ['long', 'a', 'b']) await begin(fleet, id, { exec: id, pc: `pc-${id}` });
    for (const id of ['a', 'b']) await end(fleet, { result_id: id, pc_id: `pc-${id}`, exec_id: id });
    await begin(fleet, 'new', { exec: 'new', job: 'other' });
    const found = { ids: 'b a', complete: true, next: undefined };
    expect(await look(fleet)).toEqual({ ...found, running: '' });
    expect(await look(fleet, { running: 'with' })).toEqual({ ...found, running: 'new long' });
    expect(await look(fleet, { running: 'only' })).toEqual({ ...found, ids: '', running: 'new long' });
    expect(await look(fleet, { running: 'only', pcs: ['pc-long'] })).toMatchObject({ running: 'long' });
    expect(await look(fleet, { running: 'only', jobId: 'other' })).toMatchObject({ running: 'new', complete: true });
    expect(await look(fleet, { running: 'only', limit: 1 })).toMatchObject({ running: 'new', complete: false });
    expect(await look(fleet, { running: 'with', requestId: 'q', execId: 'a' })).toMatchObject({ running: '' });
    expect(await look(fleet, { running: 'with', requestId: 'q', execId: 'long' })).toMatchObject({ running: 'long' });
    // What began before the oldest result that was looked at may have ended before, too.
    expect(await look(fleet, { running: 'with', searchMessagesMax: 1 })).toMatchObject({ ids: 'b', running: 'new' });
    await (await fleet.jetstream.jetstreamManager()).streams.delete('EVENTS');
    expect(await look(fleet, { running: 'with' })).toEqual({ ...found, running: '' });
  });

  it('what a run printed is read from its place; ids that are none are refused', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await end(fleet, { result_id: 'a' });
    const sequence = await end(fleet, { result_id: 'b', stdout: '\u001b[2J' });
    const [{ result } = { result: undefined }] = (await findResults(fleet, { limit: 1 })).results;
    expect(result).toMatchObject({ result_id: 'b', stdout: '' });
    expect(await readResult(fleet, sequence)).toMatchObject({ result_id: 'b', stdout: '\u001b[2J', missingOutput: [] });
    expect(await readResult(fleet, sequence + 1)).toBeUndefined();
    for (const id of ['..', 'a b', '', '>', 'x'.repeat(1_000_000)]) {
      for (const more of [{ requestId: id }, { jobId: id }, { pcs: [id] }]) {
        await expect(look(fleet, more)).rejects.toMatchObject({ code: 'invalid_id' });
      }
    }
    await (await fleet.jetstream.jetstreamManager()).streams.delete('RESULTS');
    await expect(look(fleet)).rejects.toMatchObject({ code: 'no_topology' });
  });

  it('looks through thousands of them in pieces, and finds what is at the other end', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await end(fleet, { result_id: 'first', manifest_id: 'rare' });
    const many = 3_000;
    for (let from = 0; from < many; from += 500) {
      const sent = Array.from({ length: 500 }, (_, at) => end(fleet, { result_id: `r-${from + at}` }));
      await Promise.all(sent);
    }
    await end(fleet, { result_id: 'last', manifest_id: 'rare' });
    expect(await look(fleet, { jobId: 'rare' })).toMatchObject({ ids: 'last first', complete: true });
    expect(await look(fleet, { limit: 2, endings: ['exited'] })).toMatchObject({ complete: false });
    const { results } = await findResults(fleet, { limit: many + 2 });
    expect(new Set(results.map(({ result }) => result.result_id)).size).toBe(many + 2);
  });
});
