/** A fleet for the suites of its commands: one broker, machines, and calls of `kanade fleet …`. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { eventually, type RunningNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { startAgent } from './agent.ts';
import { answer, type CallOptions, type Json, start } from './program.ts';

export interface FleetSite extends AsyncDisposable {
  readonly broker: RunningNatsServer;
  readonly dir: string;
  /** A call with its answer. */
  fleet(...args: string[]): Promise<Json & { status: number | null }>;
  /** The same, while it goes on. */
  begin(options: CallOptions, ...args: string[]): ReturnType<typeof start>;
  /** Puts a job into the catalogue that runs this script. */
  put(id: string, script: string): Promise<void>;
  /** Puts a job that goes on until `open` is called; `begun` counts its runs on all machines. */
  putGated(id: string): Promise<{ open(): void; begun(): number }>;
  /** Starts the agent of a machine; it keeps its state from one start to the next. */
  startMachine(pc: string): Promise<void>;
  endMachine(pc: string): Promise<void>;
  killMachine(pc: string): Promise<void>;
}

/** Opens a fleet of these machines. */
export async function openFleetSite(path: string, pcs: readonly string[] = ['pc-1', 'pc-2']): Promise<FleetSite> {
  await using opened = new AsyncDisposableStack();
  const { path: dir } = opened.use(await tempDir());
  const broker = opened.use(await startNatsServer({ path }));
  const env = { KANADE_NATS_URL: broker.url };
  const fleet: FleetSite['fleet'] = (...args) => answer(['fleet', ...args], { env });
  await fleet('setup');
  const machines = new Map<string, Awaited<ReturnType<typeof startAgent>>>();
  const endMachine = async (pc: string): Promise<void> => {
    const machine = machines.get(pc);
    machines.delete(pc);
    await machine?.[Symbol.asyncDispose]();
  };
  opened.defer(async () => {
    for (const pc of machines.keys()) await endMachine(pc);
  });
  const startMachine = async (pc: string): Promise<void> => {
    const args = ['--server', broker.url, '--log-level', 'info'];
    machines.set(pc, await startAgent({ id: pc, dataDir: `${dir}/${pc}`, args }));
    await eventually(`${pc} answers`, async () => (await fleet('ping', pc)).ok === true);
  };
  for (const pc of pcs) await startMachine(pc);
  const put: FleetSite['put'] = async (id, script) => {
    const block = `execute:\n  shell: sh\n  timeout: 1m\n  script: ${JSON.stringify(script)}\n`;
    writeFileSync(`${dir}/${id}.yaml`, `id: ${id}\nversion: 1.0.0\n${block}`);
    await fleet('job', 'put', `${dir}/${id}.yaml`);
  };
  const closing = opened.move();
  return {
    ...{ broker, dir, fleet, put, startMachine, endMachine },
    async killMachine(pc) {
      const machine = machines.get(pc);
      machines.delete(pc);
      await machine?.kill();
    },
    begin: (options, ...args) => start(['fleet', ...args], { env, ...options }),
    async putGated(id) {
      const [begun, go] = [`${dir}/begun-${id}`, `${dir}/go-${id}`];
      mkdirSync(begun);
      await put(id, `: > ${begun}/$$; until [ -e ${go} ]; do sleep 0.05; done; echo done ${id}`);
      return { open: () => writeFileSync(go, ''), begun: () => readdirSync(begun).length };
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
