import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';
import { failedAttempts, queuedResults } from './records.ts';

async function openFleet(path: string) {
  const broker = await startNatsServer({ path });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  const site = await openSite();
  return { operator, site, start: () => site.start({ args: ['--server', broker.url] }) };
}

describe.each(await natsServers())('an agent that cannot do as it is told, with nats-server $version', ({ path }) => {
  it('answers every order that says whom to answer, and tells of the others', async () => {
    const { operator, site, start } = await openFleet(path);
    const agent = await start();
    const first = commandFor('true');
    await operator.order('commands.pc.pc-1.job', first);
    await operator.result(first.request_id); // from here on orders come live
    const ran = join(site.path, 'ran');
    const script = `echo >> ${ran}`;
    const refused = [
      { ...commandFor(script), shell: 'fish' },
      { ...commandFor(script), retry: { max: 11, backoff_secs: 0 } },
      { ...commandFor(script), retry: { max: 0, backoff_secs: 0 } },
      { ...commandFor(script), script_object: 'a/1', script: '' },
    ];
    for (const order of refused) await operator.order('commands.pc.pc-1.job', JSON.stringify(order));
    const results = await Promise.all(refused.map(({ request_id }) => operator.result(request_id)));
    expect(results.map(({ ending, exit_code, skipped }) => ({ ending, exit_code, skipped }))).toEqual(
      refused.map(() => ({ ending: 'not_started', exit_code: -1, skipped: false })),
    );
    expect(results.map(({ stderr }) => stderr)).toEqual([
      expect.stringContaining('shell: '),
      expect.stringContaining('retry.max: '),
      expect.stringContaining('retry.max: '),
      expect.stringContaining('script_object needs script_object_sha256'),
    ]);
    await operator.order('commands.pc.pc-1.job', 'no order');
    const unknown = { ...commandFor(script), kind: 'kanade.command.v9' };
    await operator.order('commands.pc.pc-1.job', JSON.stringify(unknown));
    const twice = commandFor('true');
    await operator.order('commands.pc.pc-1.job', twice);
    await operator.result(twice.request_id);
    await operator.order('commands.pc.pc-1.job', { ...twice, script });
    await eventually('the events', async () => {
      const kinds = (await operator.events()).map(({ kind }) => kind);
      return ['agent_started', 'command_dropped', 'command_signature_invalid', 'command_admission_conflict'].every(
        (kind) => kinds.includes(kind),
      );
    });
    const long = JSON.stringify(commandFor('echo long', { request_id: 'long' }));
    await operator.order(
      'commands.pc.pc-1.job',
      long.replace('"timeout_secs":60', '"timeout_secs":18446744073709551615'),
    );
    expect(await operator.result('long')).toMatchObject({
      exit_code: 0,
      stdout: 'long\n',
      stderr: expect.stringContaining('timeout_secs is above 9007199254740991'),
    });
    expect(existsSync(ran)).toBe(false);
    await agent.end();
    await start(); // what it said at its end is on disk, and sent now
    await eventually('the event of its end', async () =>
      (await operator.events()).some(({ kind }) => kind === 'agent_stopped'),
    );
  });

  it('takes the first orders of a stream that was made anew while it was away', async () => {
    const { operator, site, start } = await openFleet(path);
    const ran = join(site.path, 'ran');
    const before = commandFor(`echo before >> ${ran}`);
    await operator.order('commands.pc.pc-1.job', before);
    const first = await start();
    await operator.result(before.request_id);
    await first.end();
    await operator.renew('EXEC');
    const orders = Array.from({ length: 4 }, (_, index) =>
      commandFor(`echo ${index} >> ${ran}`, { id: `job-${index}` }),
    );
    for (const order of orders) await operator.order(`commands.pc.pc-1.${order.id}`, order);
    await start();
    for (const order of orders) await operator.result(order.request_id);
    expect(readFileSync(ran, 'utf8').trim().split('\n').sort()).toEqual(['0', '1', '2', '3', 'before']);
  });

  it('keeps results while the broker has no stream or no room for them, and sends them by itself when it has', async () => {
    const { operator, site, start } = await openFleet(path);
    const agent = await start();
    const known = commandFor('true');
    await operator.order('commands.pc.pc-1.job', known);
    await operator.result(known.request_id);
    await operator.change('RESULTS', 'gone');
    const lost = commandFor('echo kept');
    await operator.order('commands.pc.pc-1.job', lost);
    await eventually('the agent to see it', () => agent.log().includes('cannot take results now'));
    expect(queuedResults(site.data).map(({ request_id }) => request_id)).toContain(lost.request_id);
    await operator.setUp();
    expect(await operator.result(lost.request_id)).toMatchObject({ stdout: 'kept\n' });
    expect(await operator.ping('pc-1')).toMatchObject({ records_quarantined: 0 });
  });
});

describe('an agent whose broker has no room for long output', () => {
  it('keeps long output while the store for it is full, holds that against no result, and sends short ones', async () => {
    const { operator, site, start } = await openFleet((await natsServers()).at(-1)?.path ?? '');
    const agent = await start();
    await operator.change('OBJ_result_output', { max_bytes: 100_000 });
    const long = commandFor('head -c 400000 /dev/zero | tr "\\0" x');
    await operator.order('commands.pc.pc-1.job', long);
    await eventually('the agent to see it', () => agent.log().includes('the store of long output is full'));
    const short = commandFor('echo short');
    await operator.order('commands.pc.pc-1.job', short);
    expect(await operator.result(short.request_id)).toMatchObject({ stdout: 'short\n' });
    await eventually('the result to be put off', () => failedAttempts(site.data, long.request_id) === 0);
    await operator.change('OBJ_result_output', { max_bytes: 100_000_000 });
    const [result] = await operator.followed(long.request_id, 1);
    expect(result?.stdout.length).toBe(400_000);
  });
});
