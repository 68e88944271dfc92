import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Command, ExecResult } from '@kanade/shared/fleet';
import { eventually, natsServers, startNatsServer, tempDir } from '@kanade/testkit';
import { connect as connectBroker } from '@nats-io/transport-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Agent, createAgent, createLogger } from '../src/index.ts';
import { commandFor, type Operator, openOperator } from './operator.ts';

/** Orders that are forbidden while the machine is away, over all; `KANADE_TRUST_ROUNDS=25` makes 300 of them. */
const rounds = 12 * Number(process.env.KANADE_TRUST_ROUNDS ?? 1);
/** Orders that are sent while the machine comes back. */
const poundsMax = 40;

/** A way to the broker that can be cut, and is open again at once when it is mended. */
async function openCable(port: number) {
  const ends = new Set<Socket>();
  let isCut = false;
  const server: Server = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(from);
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    cut();
    server.close();
  });
  function cut(): void {
    isCut = true;
    for (const end of ends) end.destroy();
    ends.clear();
  }
  return {
    url: `nats://127.0.0.1:${(server.address() as { port: number }).port}`,
    cut,
    mend: () => {
      isCut = false;
    },
  };
}

/** Sends an order that must not run, again and again, while the machine comes back: some come the moment there are ears. */
async function pound(operator: Operator, order: () => Command, signal: AbortSignal): Promise<void> {
  for (let count = 0; count < poundsMax && !signal.aborted; count++) {
    const command = order();
    await operator.order(`commands.pc.pc-1.${command.id}`, command);
  }
}

/** Exit codes by request, as the machine sends them. */
async function hearResults(url: string) {
  const connection = await connectBroker({ servers: url });
  onTestFinished(() => connection.close());
  const codes = new Map<string, number>();
  connection.subscribe('results.>', {
    callback: (_, message) => {
      const { request_id, exit_code } = ExecResult.parse(message.json());
      codes.set(request_id, exit_code);
    },
  });
  await connection.flush();
  return codes;
}

describe.each(await natsServers())('what forbids an order, with nats-server $version', ({ path }) => {
  it(`is not overtaken by it: ${rounds} orders that were forbidden while the machine was away`, async () => {
    const broker = await startNatsServer({ path });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const operator = await openOperator(broker.url);
    const codes = await hearResults(broker.url);
    const cable = await openCable(broker.port);
    const dir = await tempDir();
    onTestFinished(() => dir[Symbol.asyncDispose]());
    const ran = join(dir.path, 'ran');
    mkdirSync(join(dir.path, 'jobs'));
    const log = createLogger('silent', () => undefined);
    let agent: Agent | undefined;
    const begin = async () => {
      agent = await createAgent(
        {
          pcId: 'pc-1',
          dataDir: join(dir.path, 'data'),
          socket: join(dir.path, 's'),
          access: {
            servers: [cable.url],
            identity: 'nobody',
            inboxPrefix: '_INBOX',
            toOptions: () => ({ servers: [cable.url], inboxPrefix: '_INBOX' }),
          },
          logLevel: 'silent',
          allowOwnUser: true,
          cwd: dir.path,
          env: process.env,
        },
        { log },
      );
    };
    const end = async () => {
      await agent?.[Symbol.asyncDispose]();
      agent = undefined;
    };
    onTestFinished(end);
    const orderOf = (id: string, version = '1') => commandFor(`echo ${id} >> ${ran}`, { id, version });
    const linesRun = () => (existsSync(ran) ? readFileSync(ran, 'utf8').trim().split('\n') : []);
    const send = async (id: string, target = 'pc.pc-1') => {
      const command = orderOf(id);
      await operator.order(`commands.${target}.${id}`, command);
      return command.request_id;
    };
    const allow = async () => {
      await operator.put('script_status', 'revoked', 'ACTIVE');
      await operator.put('script_current', 'pinned', '1');
      await operator.put('agent_groups', 'pc-1', '{"groups":["lab"]}');
    };
    const codeOf = (requestId: string) =>
      eventually(`the result of ${requestId}`, () =>
        [codes.get(requestId)]
          .filter((code) => code !== undefined)
          .at(0)
          ?.toString(),
      );

    await allow();
    await begin();
    for (let round = 0; round < rounds; round += 3) {
      // Everything is allowed, and the machine knows it.
      const known = [await send('revoked'), await send('pinned'), await send('grouped', 'group.lab')];
      expect(await Promise.all(known.map(codeOf))).toEqual(['0', '0', '0']);
      const isCut = (round / 3) % 2 === 1;
      if (isCut) cable.cut();
      else await end();
      await eventually('the machine to be away', () => agent?.broker.kind !== 'connected');

      const forbidden = [await send('revoked'), await send('pinned')];
      await send('grouped', 'group.lab');
      await operator.put('script_status', 'revoked', 'REVOKED');
      await operator.put('script_current', 'pinned', '2');
      await operator.put('agent_groups', 'pc-1', '{"groups":[]}');
      const wanted = await send('wanted');
      const enough = new AbortController();
      const pounding = pound(operator, () => orderOf('revoked'), enough.signal);
      const before = linesRun().length;
      if (isCut) cable.mend();
      else await begin();

      expect(await codeOf(wanted)).toBe('0');
      enough.abort();
      await pounding;
      const [revoked = '', pinned = ''] = forbidden;
      expect(await codeOf(pinned)).toBe('124');
      // A newer order of the same job may have taken its place in the stream before it was read.
      expect([undefined, 126]).toContain(codes.get(revoked));
      expect(linesRun().slice(before)).toEqual(['wanted']);
      await allow();
      const probes: string[] = [];
      await eventually('the machine to be told', async () => {
        probes.push(await send('grouped', 'group.lab'));
        await operator.ping('pc-1');
        return probes.some((requestId) => codes.get(requestId) === 0);
      });
    }
  }, 3_600_000);
});
