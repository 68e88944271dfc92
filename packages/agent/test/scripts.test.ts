/** Jobs whose script is in the object store: ordered, clicked, and in everything that can go wrong on the way. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@kanade/shared/fleet';
import { eventually, natsServers, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';
import { openPerson } from './person.ts';

const { path: newest } = await newestNatsServer();
const mebibyte = 1_048_576;
const hexOf = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function openFleet(path: string) {
  const broker = await startNatsServer({ path });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  const site = await openSite();
  const store = await operator.store('scripts');
  return {
    broker,
    operator,
    site,
    store,
    put: (name: string, bytes: string | Uint8Array) => store.putBlob({ name }, Buffer.from(bytes)),
    start: () => site.start({ args: ['--server', broker.url] }),
    cached: (bytes: string) => join(site.data, 'script_cache', hexOf(bytes)),
    /** Orders the script of a name, pinned to these bytes, and resolves with the result. */
    async run(name: string, bytes: string | Uint8Array, more: Partial<Command> = {}) {
      const command = commandFor('', { script_object: name, script_object_sha256: hexOf(bytes), ...more });
      await operator.order(`commands.pc.pc-1.${command.id}`, command);
      return operator.result(command.request_id);
    },
  };
}

const fetches = (log: string): number => log.split('fetched a script').length - 1;

/** A job that is offered to people, with the script of a name. */
const offered = (id: string, script_object: string): string =>
  JSON.stringify({
    id,
    version: '1',
    execute: { shell: 'sh', timeout: '10s', script_object },
    client: { name: id, category: 'c' },
  });

describe.each(await natsServers())('a script object with nats-server $version', ({ path }) => {
  it('is fetched once, runs as often as it is ordered, and again from the broker when its copy was changed', async () => {
    const { operator, put, start, run, cached } = await openFleet(path);
    const script = 'echo "args $#"; exit 3';
    await put('report/1', script);
    const agent = await start();
    expect(await run('report/1', script)).toMatchObject({ exit_code: 3, stdout: 'args 0\n', ending: 'exited' });
    const orders = Array.from({ length: 10 }, (_, at) =>
      commandFor('', { id: `job-${at}`, script_object: 'report/1', script_object_sha256: hexOf(script).toUpperCase() }),
    );
    await Promise.all(orders.map((order) => operator.order(`commands.pc.pc-1.${order.id}`, order)));
    for (const { request_id } of orders) expect((await operator.result(request_id)).exit_code).toBe(3);
    expect(fetches(agent.log())).toBe(1);
    writeFileSync(cached(script), 'echo evil');
    expect(await run('report/1', script)).toMatchObject({ exit_code: 3, stdout: 'args 0\n' });
    expect([fetches(agent.log()), readFileSync(cached(script), 'utf8')]).toEqual([2, script]);
  });
});

describe('a script object', () => {
  it('of 4 MiB runs, from a file that goes with the run', async () => {
    const { site, put, start, run } = await openFleet(newest);
    const head = 'echo whole; tail -c 3 "$0"; exit 5\n';
    const script = `${head}${'#'.repeat(4 * mebibyte - head.length - 3)}end`;
    await put('big/1', script);
    await start();
    expect(await run('big/1', script)).toMatchObject({ exit_code: 5, stdout: 'whole\nend' });
    await eventually('the file to go', () => readdirSync(join(site.data, 'staged')).length === 0);
  });

  it('that cannot be had is refused with a result that says what to do', async () => {
    const { operator, store, put, start, run } = await openFleet(newest);
    await start();
    const refused = async (name: string, bytes: string | Uint8Array, more: Partial<Command> = {}): Promise<string> => {
      const { ending, exit_code, skipped, stderr } = await run(name, bytes, more);
      expect({ ending, exit_code, skipped }).toEqual({ ending: 'not_started', exit_code: -1, skipped: false });
      return stderr;
    };
    expect(await refused('none/1', 'x')).toContain('script none/1 is not stored any more');
    await put('swapped/1', 'echo ordered');
    await put('swapped/1', 'echo swapped');
    expect(await refused('swapped/1', 'echo ordered')).toMatch(
      /is another now than was ordered.*SHA-256 [0-9a-f]{12}…/,
    );
    await put('gone/1', 'echo gone');
    await store.delete('gone/1');
    expect(await refused('gone/1', 'echo gone')).toContain('is not stored any more');
    const binary = Buffer.from([0x65, 0xff, 0xfe]);
    await put('binary/1', binary);
    expect(await refused('binary/1', binary)).toContain('is no UTF-8');
    const long = Buffer.alloc(4 * mebibyte + 1, '#');
    await put('long/1', long);
    expect(await refused('long/1', long)).toContain('4194305 bytes, at most 4194304');
    await put('torn/1', Buffer.alloc(300_000, '#'));
    const { nuid } = (await store.info('torn/1')) ?? { nuid: '' };
    await operator.loseFirst('OBJ_scripts', `$O.scripts.C.${nuid}`);
    expect(await refused('torn/1', Buffer.alloc(300_000, '#'))).toContain('is damaged on the broker');
    for (const name of ['../1', 'a b/1', 'a', 'a/b/1', '/etc/passwd', `${'a'.repeat(200)}/1`]) {
      expect({ name, said: await refused(name, 'x') }).toEqual({ name, said: expect.stringContaining('NAME/VERSION') });
    }
    expect(await refused('none/1', 'x', { script: 'echo both' })).toContain('exclude each other');
    expect(await refused('none/1', 'x', { script_object_sha256: 'abc' })).toContain('64 hexadecimal digits');
    await operator.change('OBJ_scripts', 'gone');
    expect(await refused('none/1', 'x')).toContain('run "kanade fleet setup"');
  });

  it('of a job that is offered is there when somebody clicks without a broker, also after a restart', async () => {
    const { broker, operator, site, put, start } = await openFleet(newest);
    await put('hello/1', 'echo hello');
    await operator.put('jobs', 'hello', offered('hello', 'hello/1'));
    const first = await start();
    await eventually('the script to be fetched', () => fetches(first.log()) === 1);
    const person = await openPerson(site.socket);
    // What stands there at the click is what runs.
    await put('hello/1', 'echo changed');
    expect((await person.end(await person.start('hello'))).stdout_chunk).toBe('changed\n');
    await operator.put('jobs', 'late', offered('late', 'late/1'));
    await expect(person.start('late')).rejects.toMatchObject({
      kind: 'InternalError',
      message: expect.stringContaining('script late/1 is not stored any more'),
    });
    await broker.stop();
    expect((await person.call('jobs.list')).items.map(({ id }) => id)).toEqual(['hello', 'late']);
    expect((await person.end(await person.start('hello'))).stdout_chunk).toBe('changed\n');
    await first.end();
    await start();
    const again = await openPerson(site.socket);
    expect((await again.end(await again.start('hello'))).stdout_chunk).toBe('changed\n');
    await expect(again.start('late')).rejects.toMatchObject({
      kind: 'AgentDisconnected',
      message: expect.stringContaining('cannot be reached'),
    });
  });

  it('that is being fetched keeps nobody from stopping its run', async () => {
    const { broker, operator, site, put, start, cached } = await openFleet(newest);
    await put('hello/1', 'echo hello');
    await operator.put('jobs', 'hello', offered('hello', 'hello/1'));
    const agent = await start();
    await eventually('the script to be fetched', () => fetches(agent.log()) === 1);
    const person = await openPerson(site.socket);
    rmSync(cached('echo hello'));
    broker.freeze();
    const runId = await person.start('hello');
    await person.call('jobs.kill', { run_id: runId });
    expect(await person.end(runId)).toMatchObject({ status: 'killed' });
    broker.thaw();
    expect((await person.end(await person.start('hello'))).stdout_chunk).toBe('hello\n');
  });
});
