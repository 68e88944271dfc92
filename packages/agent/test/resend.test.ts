/** A broker that has acknowledged results and lost them: they come again, each once. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, natsServers, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite, type RunningAgent } from './agent-process.ts';
import { commandFor, type Operator, openOperator } from './operator.ts';

const servers = await natsServers();
const newest = await newestNatsServer();

/** What happens to the file of a stream, at a place in the middle of it. */
interface Damage {
  readonly name: string;
  do(bytes: Buffer, at: number): Buffer;
}
const cut: Damage = { name: 'is cut', do: (bytes, at) => bytes.subarray(0, at) };
const flipped: Damage = {
  name: 'has a bit flipped',
  do(bytes, at) {
    bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
    return bytes;
  },
};
/** What a server notices of it: 2.9 hands out a message with a flipped bit as it is, so nobody knows. */
const noticedBy = (version: string): Damage[] => (version === newest.version ? [cut, flipped] : [cut]);

describe.each(servers)('nats-server $version, after it acknowledged results', ({ path, version }) => {
  async function open() {
    const dir = await tempDir();
    onTestFinished(() => dir[Symbol.asyncDispose]());
    const store = join(dir.path, 'store');
    const broker = await startNatsServer({ path, storeDir: store });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const start = () => site.start({ args: ['--server', broker.url] });
    let agent = await start();
    return {
      broker,
      operator,
      store,
      saved: join(dir.path, 'saved'),
      get agent(): RunningAgent {
        return agent;
      },
      killAgent: () => agent.end('SIGKILL'),
      async startAgent() {
        agent = await start();
      },
    };
  }

  /** Runs an order whose output is short, or longer than a message carries. */
  async function runs(operator: Operator, bytes: number): Promise<string> {
    const { request_id } = await orders(operator, bytes);
    await operator.result(request_id);
    return request_id;
  }
  async function orders(operator: Operator, bytes: number) {
    const command = commandFor(`yes | head -c ${bytes}`);
    await operator.order(`commands.pc.pc-1.${command.id}`, command);
    return command;
  }

  /** Every request, and the bytes of output that its results have, when each of them has one. */
  const outputs = (operator: Operator, requests: readonly string[]) =>
    eventually('the results are there', async () => {
      const told = await operator.results().catch(() => []);
      if (!requests.every((request) => told.some(({ request_id }) => request_id === request))) return undefined;
      const sizes = told.map(async (result) => {
        const bytes = result.stdout_object
          ? (await (await operator.store('result_output')).getBlob(result.stdout_object))?.length
          : result.stdout.length;
        return [result.request_id, bytes] as const;
      });
      return Promise.all(sizes);
    });

  it('loses what it had not synced: it comes again, short and long, and nothing comes twice', async () => {
    const site = await open();
    const { broker, operator, store, saved } = site;
    const old = await runs(operator, 10);
    broker.freeze();
    cpSync(store, saved, { recursive: true });
    broker.thaw();
    const lost = [await runs(operator, 20), await runs(operator, 600_000)];
    await broker.stop('SIGKILL');
    rmSync(store, { recursive: true });
    cpSync(saved, store, { recursive: true });
    // What was delivered is on the disk of the machine, not in the memory of its agent.
    await site.killAgent();
    await broker.restart();
    await site.startAgent();
    const [first = '', second = ''] = lost;
    const all = [
      [old, 10],
      [first, 20],
      [second, 600_000],
    ];
    expect((await outputs(operator, [old, ...lost])).toSorted()).toEqual(all.toSorted());
    await eventually('the agent says so', () => site.agent.log().includes('the broker had lost a result'));

    // Nothing is lost this time: the broker knows what it has.
    await broker.restart('SIGKILL');
    await outputs(operator, lost); // the operator is connected again
    const last = await runs(operator, 30);
    expect((await outputs(operator, [last])).toSorted()).toEqual([...all, [last, 30]].toSorted());
  });

  it('comes back with an empty disk', async () => {
    const { broker, operator, store, ...site } = await open();
    const lost = await runs(operator, 10);
    await site.killAgent();
    await broker.stop('SIGKILL');
    rmSync(store, { recursive: true });
    await broker.restart();
    const next = await openOperator(broker.url);
    await site.startAgent();
    expect(await outputs(next, [lost])).toEqual([[lost, 10]]);
  });

  it.each(noticedBy(version))('finds that its file $name: what is gone comes again', async (damage) => {
    const { broker, operator, store } = await open();
    const requests = [await runs(operator, 10), await runs(operator, 20), await runs(operator, 30)];
    await broker.stop('SIGKILL');
    const file = dataFileOf(store, 'RESULTS');
    const bytes = readFileSync(file);
    const at = bytes.indexOf(`"request_id":"${requests[1]}"`);
    expect(at).toBeGreaterThan(0);
    writeFileSync(file, damage.do(bytes, at));
    await broker.restart();
    const expected = requests.map((request, index) => [request, 10 * (index + 1)]);
    expect((await outputs(operator, requests)).toSorted()).toEqual(expected.toSorted());
  });

  it('is set back while it runs: the next acknowledgement tells', async () => {
    const { operator } = await open();
    const lost = [await runs(operator, 10), await runs(operator, 20)];
    await operator.renew('RESULTS');
    const next = await runs(operator, 30);
    const expected = [...lost, next].map((request, index) => [request, 10 * (index + 1)]);
    expect((await outputs(operator, [...lost, next])).toSorted()).toEqual(expected.toSorted());
  });
});

/** The file in which a stream has its first messages. */
function dataFileOf(store: string, stream: string): string {
  const found = readdirSync(store, { recursive: true }).map(String);
  const file = found.find((name) => name.includes(`/${stream}/`) && name.endsWith('/1.blk'));
  if (file === undefined) throw new Error(`no file of ${stream} in ${found.join(' ')}`);
  return join(store, file);
}
