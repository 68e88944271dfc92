/** Orders to a real agent over a real broker, with keys: what runs, what is refused, and what the agent says of it. */

import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createKey, distrustKey, openSigner, type Signer, setEnforcing, trustKey } from '@kanade/fleet/keys';
import { type Command, refusalResultId } from '@kanade/shared/fleet';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite, type RunningAgent } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';
import { openRuns } from './records.ts';

const [newest] = (await natsServers()).slice(-1);
const subject = 'commands.pc.pc-1.job';
const minuteMs = 60_000;

const refusalId = (requestId: string): string =>
  refusalResultId(requestId, 'pc-1', (bytes) => createHash('sha1').update(bytes).digest());

/** A broker, an operator with a key and an emergency key, and a place for an agent whose ring trusts both. */
async function openFleet({ enforcing = true } = {}) {
  const broker = await startNatsServer({ path: newest?.path ?? '' });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  const site = await openSite();
  chmodSync(site.path, 0o755);
  const keys = join(site.path, 'keys');
  const ring = join(site.path, 'ring.json');
  const made = {
    ops: createKey({ dir: keys, kid: 'ops' }),
    glass: createKey({ dir: keys, kid: 'glass', maxAge: '10m', auditEveryUse: true }),
    // A key that the ring knows nothing of, under a name that it does.
    stranger: createKey({ dir: join(site.path, 'other'), kid: 'ops' }),
  };
  trustKey(ring, made.ops.trusted);
  trustKey(ring, made.glass.trusted, enforcing);
  const signer = (kid: string, dir = keys): Signer => openSigner(dir, kid) as Signer;
  /** Starts the agent; from here on orders come live, and none takes the place of another. */
  async function start(more = ['--command-keys', ring]) {
    let agent: RunningAgent | undefined;
    const beat = await operator.beat('pc-1', async () => {
      agent = await site.start({ args: ['--server', broker.url, ...more] });
    });
    return { agent: agent as RunningAgent, beat };
  }

  /** Sends a body as it is, signed at a time, with what an attacker changes afterwards. */
  async function send(
    body: object,
    { by = signer('ops'), atMs = Date.now(), forge = (text: string) => text, drop = [] as string[] } = {},
  ) {
    const text = JSON.stringify(body);
    const headers = by.sign(new TextEncoder().encode(text), atMs);
    for (const name of drop) delete headers[name];
    await operator.order(subject, forge(text), headers);
  }
  return {
    url: broker.url,
    operator,
    site,
    ring,
    made,
    signer,
    start,
    send,
    stranger: () => signer('ops', join(site.path, 'other')),
  };
}

const envelope = (command: Command, over: object = {}): object => ({
  kind: 'kanade.command.v2',
  target_pc_id: 'pc-1',
  expires_at: new Date(Date.now() + minuteMs).toISOString(),
  command,
  ...over,
});

describe('an agent whose key ring is enforcing', () => {
  it('runs what is signed, and refuses everything else with its reason and an id that stays', async () => {
    const fleet = await openFleet();
    const { operator, send, made, site } = fleet;
    const { beat } = await fleet.start();
    expect(beat).toMatchObject({
      command_keys: [made.ops.commandKey, made.glass.commandKey],
      enforcing: true,
      command_protocols: ['legacy', 'kanade.command.v2'],
    });
    const mark = join(site.path, 'ran');
    const forbidden = (): Command => commandFor(`echo forbidden >> '${mark}'`);
    const refused: [why: string, command: Command][] = [];
    const refuse = async (why: string, order: (command: Command) => Promise<void>): Promise<void> => {
      const command = forbidden();
      refused.push([why, command]);
      await order(command);
    };
    await refuse('carries no signature', (command) => operator.order(subject, command));
    await refuse('does not match the bytes', (command) => send(command, { by: fleet.stranger() }));
    await refuse('does not match the bytes', (command) =>
      send(command, { forge: (text) => text.replace('forbidden', 'forged') }),
    );
    await refuse('missing beside the other', (command) => send(command, { drop: ['Kanade-Sig-At'] }));
    await refuse('good for 600000 ms', (command) =>
      send(command, { by: fleet.signer('glass'), atMs: Date.now() - 11 * minuteMs }),
    );
    await refuse('in the future', (command) =>
      send(command, { by: fleet.signer('glass'), atMs: Date.now() + 90 * minuteMs }),
    );

    const silent = forbidden();
    await send(envelope(silent, { target_pc_id: 'pc-2' }));
    await send(envelope(silent, { expires_at: new Date(Date.now() - 1).toISOString() }), {
      atMs: Date.now() - minuteMs,
    });
    await send(envelope(silent, { extra: true }));
    await send(envelope(silent, { kind: 'kanade.command.v3' }));
    await send(envelope(silent), { by: fleet.stranger() });
    await operator.order(subject, JSON.stringify(envelope(silent)));

    const good = [commandFor('echo signed'), commandFor('echo sealed'), commandFor('echo emergency')] as const;
    await send(good[0], { atMs: Date.now() - 6 * 24 * 60 * minuteMs });
    await send(envelope(good[1]));
    await send(envelope(good[2]), { by: fleet.signer('glass') });
    for (const { request_id } of good) expect(await operator.result(request_id)).toMatchObject({ exit_code: 0 });
    for (const [why, { request_id }] of refused) {
      expect(await operator.result(request_id)).toMatchObject({
        result_id: refusalId(request_id),
        exit_code: 123,
        skipped: false,
        ending: 'not_started',
        stderr: expect.stringMatching(/^refused: /),
      });
      expect((await operator.result(request_id)).stderr).toContain(why);
    }
    expect((await operator.results()).map(({ request_id }) => request_id)).not.toContain(silent.request_id);
    expect(existsSync(mark)).toBe(false);

    // Nothing of what was refused is remembered: sent as it should be, it runs; sent again, it runs no second time.
    const again = commandFor(`echo once >> '${mark}'`, { request_id: silent.request_id });
    await send(envelope(again));
    expect(await operator.result(silent.request_id)).toMatchObject({ exit_code: 0 });
    await send(envelope(again));
    const last = commandFor('true');
    await send(last);
    await operator.result(last.request_id);
    expect(readFileSync(mark, 'utf8')).toBe('once\n');
  });

  it('obeys a ring that changes while it runs, and refuses an order whose key went while it waited', async () => {
    const fleet = await openFleet();
    const { operator, send, site, ring, made } = fleet;
    await fleet.start();
    const gate = join(site.path, 'gate');
    const mark = join(site.path, 'ran');
    // Runs until every place is taken, so that the next one waits for a place.
    const holding = Array.from({ length: availableParallelism() }, () =>
      commandFor(`while [ ! -e '${gate}' ]; do sleep 0.05; done`),
    );
    const waiting = commandFor(`echo ran >> '${mark}'`);
    for (const command of holding) await send(command);
    await send(waiting, { by: fleet.signer('glass') });
    await eventually('all orders to be taken', () => openRuns(site.data) === holding.length + 1 || undefined);
    distrustKey(ring, 'glass');
    await eventually('the ring without the key', async () => {
      const { command_keys } = await operator.ping('pc-1');
      return (command_keys as string[]).join() === made.ops.commandKey || undefined;
    });
    writeFileSync(gate, '');
    expect(await operator.result(waiting.request_id)).toMatchObject({
      exit_code: 123,
      stderr: expect.stringContaining('a key we do not hold'),
    });
    for (const { request_id } of holding) expect(await operator.result(request_id)).toMatchObject({ exit_code: 0 });
    expect(existsSync(mark)).toBe(false);
    setEnforcing(ring, false);
    await eventually('the ring that only watches', async () => !(await operator.ping('pc-1')).enforcing || undefined);
    const unsigned = commandFor('echo unsigned');
    await operator.order(subject, unsigned);
    expect(await operator.result(unsigned.request_id)).toMatchObject({ exit_code: 0, stdout: 'unsigned\n' });
  });

  it('verifies again what an earlier agent had taken, from the bytes as they were received', async () => {
    const fleet = await openFleet();
    const { operator, send, site, ring } = fleet;
    const { agent: first } = await fleet.start();
    const gate = join(site.path, 'gate');
    const holding = Array.from({ length: availableParallelism() }, () =>
      commandFor(`while [ ! -e '${gate}' ]; do sleep 0.05; done`),
    );
    for (const command of holding) await send(command);
    const [kept, gone] = [commandFor('echo kept'), commandFor('echo gone')];
    await send(envelope(kept));
    await send(envelope(gone), { by: fleet.signer('glass') });
    await eventually('all orders to be taken', () => openRuns(site.data) === holding.length + 2 || undefined);
    await first.end('SIGKILL');
    distrustKey(ring, 'glass');
    writeFileSync(gate, '');
    await fleet.start();
    expect(await operator.result(kept.request_id)).toMatchObject({ exit_code: 0, stdout: 'kept\n' });
    expect(await operator.result(gone.request_id)).toMatchObject({ exit_code: 123, ending: 'not_started' });
  });
});

describe('an agent whose key ring cannot be relied upon', () => {
  it.each<[string, string, (ring: string) => void]>([
    ['is not there', 'ENOENT', (ring) => rmSync(ring)],
    ['is empty', 'it is empty', (ring) => truncateSync(ring, 0)],
    ['is cut short', 'it is not JSON', (ring) => truncateSync(ring, 50)],
    ['is open to everybody', 'can be written by others', (ring) => chmodSync(ring, 0o666)],
  ])('starts locked when it %s, says why, and takes orders once it is mended', async (_, reason, damage) => {
    const fleet = await openFleet();
    const { operator, send, ring, site } = fleet;
    const sound = join(site.path, 'sound.json');
    copyFileSync(ring, sound);
    damage(ring);
    const { agent, beat } = await fleet.start();
    expect(beat).toMatchObject({ command_keys: [], enforcing: true, orders_locked: expect.stringContaining(reason) });
    expect(agent.log()).toContain('every order is refused: the key ring cannot be relied upon');
    expect(readFileSync(join(site.data, 'orders-locked'), 'utf8')).toContain(reason);
    const [unsigned, signed] = [commandFor('true'), commandFor('true')];
    await operator.order(subject, unsigned);
    await send(signed);
    for (const { request_id } of [unsigned, signed]) {
      const { exit_code, stderr, result_id } = await operator.result(request_id);
      expect([exit_code, result_id, stderr]).toEqual([123, refusalId(request_id), expect.stringContaining(reason)]);
    }
    rmSync(ring, { force: true });
    copyFileSync(sound, ring);
    await eventually('the agent to take orders', async () => !(await operator.ping('pc-1')).orders_locked || undefined);
    expect(existsSync(join(site.data, 'orders-locked'))).toBe(false);
    const mended = commandFor('echo mended');
    await send(mended);
    expect(await operator.result(mended.request_id)).toMatchObject({ exit_code: 0, stdout: 'mended\n' });
  });
});

describe('an agent without a key ring', () => {
  it('runs what comes, signed or not, and refuses what says that it must be verified', async () => {
    const fleet = await openFleet();
    const { operator, send } = fleet;
    rmSync(fleet.ring);
    const { agent } = await fleet.start([]);
    const [unsigned, signed, sealed] = [commandFor('echo 1'), commandFor('echo 2'), commandFor('echo 3')];
    await send(envelope(sealed));
    await operator.order(subject, unsigned);
    await send(signed, { by: fleet.stranger() });
    for (const { request_id } of [unsigned, signed])
      expect(await operator.result(request_id)).toMatchObject({ exit_code: 0 });
    expect(await operator.results()).toHaveLength(2);
    expect(agent.log()).toContain('this machine has no key ring');
  });
});
