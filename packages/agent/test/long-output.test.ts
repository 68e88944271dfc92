/** Output that is too long for a message, from the agent's object store to the operator. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectFleet } from '@kanade/fleet';
import { putObject } from '@kanade/fleet/objects';
import { objectStores, outputKey } from '@kanade/shared/fleet';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';
import { queuedResults } from './records.ts';

const kibibyte = 1_024;
const line = '0123456789\n';

describe.each(await natsServers())('long output with nats-server $version', ({ path }) => {
  async function openBroker() {
    const broker = await startNatsServer({ path });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    return broker;
  }

  it.each([
    ['256 KiB, the most that fits', 256 * kibibyte, false],
    ['300 KiB', 300 * kibibyte, true],
    ['8 MiB, the most that is kept', 8_192 * kibibyte, true],
  ])('comes to the operator whole: %s', async (_, bytes, isStored) => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    await site.start({ args: ['--server', broker.url] });
    const command = commandFor(`yes 0123456789 | head -c ${bytes}; yes 0123456789 | head -c ${bytes} >&2`);
    await operator.order('commands.pc.pc-1.job', command);
    const [result] = await operator.followed(command.request_id, 1);
    const expected = line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes);
    expect([result?.stdout === expected, result?.stderr === expected, result?.missingOutput]).toEqual([true, true, []]);
    const key = (stream: 'stdout' | 'stderr') => (isStored ? outputKey(result?.result_id ?? '', stream) : undefined);
    expect([result?.stdout_object, result?.stderr_object]).toEqual([key('stdout'), key('stderr')]);
  });

  it('on its way to a broker that stands still does not hold up the end of the agent', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const agent = await site.start({ args: ['--server', broker.url] });
    const go = join(site.path, 'go');
    const command = commandFor(`until [ -e '${go}' ]; do sleep 0.02; done; head -c 8000000 /dev/zero | tr '\\0' x`);
    await operator.order('commands.pc.pc-1.job', command);
    await operator.started(command.request_id);
    broker.freeze();
    writeFileSync(go, '');
    await eventually('the result to wait', () => queuedResults(site.data).length === 1);
    const { code, stderr } = await agent.end();
    expect([code, stderr.includes('closing took too long')]).toEqual([0, false]);
    broker.thaw();
    await site.start({ args: ['--server', broker.url] });
    const [result] = await operator.followed(command.request_id, 1);
    expect(result?.stdout.length).toBe(8_000_000);
  });

  it('of two machines under one order stays apart', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    for (const id of ['pc-1', 'pc-2']) {
      const site = await openSite();
      await site.start({ args: ['--server', broker.url, '--id', id] });
    }
    const command = commandFor('yes "pid $$" | head -c 400000');
    await operator.order('commands.all.job', command);
    const results = await operator.followed(command.request_id, 2);
    const [one, other] = results.map(({ stdout }) => stdout);
    expect(results.map(({ pc_id }) => pc_id).sort()).toEqual(['pc-1', 'pc-2']);
    expect([one?.length, other?.length, one === other]).toEqual([400_000, 400_000, false]);
  });

  it('is read by the official client, and what that wrote is read by the operator', async () => {
    const broker = await openBroker();
    const operator = await openOperator(broker.url);
    const store = await operator.store(objectStores.resultOutput);
    await using writer = await connectFleet({ servers: broker.url, name: 'writer' });
    const { connection } = writer;
    for (const size of [0, 1, 128 * kibibyte, 300 * kibibyte + 1]) {
      const bytes = Buffer.alloc(size, 'kanade ');
      const name = outputKey(`run-${size}`, 'stdout');
      await putObject(connection, { store: 'result_output', name, source: bytes });
      expect(Buffer.from((await store.getBlob(name)) ?? []).equals(bytes)).toBe(true);
      const sha256 = createHash('sha256').update(bytes).digest('base64url');
      expect(await store.info(name)).toMatchObject({ name, size, digest: expect.stringContaining(sha256) });
    }
    expect((await store.list()).map(({ name }) => name).sort()).toContain('run-1/stdout');

    const text = 'from elsewhere\n'.repeat(30_000);
    const name = 'ca03c5ae-8bfd-4f01-a0a5-8b5cc9e9c1c2/stdout';
    await store.putBlob({ name }, Buffer.from(text));
    const result = { result_id: 'r', request_id: 'q', pc_id: 'pc-9', exit_code: 0, stdout: '', stderr: '' };
    const times = { started_at: '2026-01-02T03:04:05Z', finished_at: '2026-01-02T03:04:06Z' };
    await writer.jetstream.publish('results.q', JSON.stringify({ ...result, ...times, stdout_object: name }));
    const [followed] = await operator.followed('q', 1);
    expect([followed?.stdout === text, followed?.missingOutput]).toEqual([true, []]);
  });
});
