/** A real server with the configuration that we print: what each role must not say and hear, tried one by one. */
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { buckets, objectStores, streams } from '@kanade/shared/fleet';
import { natsServers, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { openConnection, readBrokerAccess } from '../src/connection.ts';
import { connectFleet } from '../src/index.ts';
import { openRoleKeys, parseMachines, serverConfig } from '../src/roles.ts';
import { createTopology } from '../src/topology.ts';

const newest = await newestNatsServer();
const me = 'pc-1';
const other = 'pc-2';
const roles = ['operator', 'agent', 'read-only', 'break-glass'] as const;
type RoleName = (typeof roles)[number];

/** One thing that somebody may try, and who may. */
interface Action {
  readonly does: 'publish' | 'subscribe';
  readonly subject: string;
  readonly may: readonly RoleName[];
}

const everyStream = [
  ...Object.values(streams),
  ...Object.values(buckets).map((name) => `KV_${name}`),
  ...Object.values(objectStores).map((name) => `OBJ_${name}`),
];
const nobody: readonly RoleName[] = [];
const says = (may: readonly RoleName[], ...subjects: string[]): Action[] =>
  subjects.map((subject) => ({ does: 'publish', subject, may }));
const hears = (may: readonly RoleName[], ...subjects: string[]): Action[] =>
  subjects.map((subject) => ({ does: 'subscribe', subject, may }));

/** Everything on the wire, by who may do it. */
const actions: readonly Action[] = [
  ...says(['operator'], 'commands.all', 'commands.all.job', 'commands.group.web.job'),
  ...says(
    ['operator', 'break-glass'],
    `commands.pc.${other}.job`,
    `commands.pc.${me}.job`,
    'kill.some-order',
    'kill.a.b',
  ),
  ...says(['agent'], 'results.r-1', `heartbeat.${me}`, `obs.${me}`, `events.started.e-1.${me}`, '$O.result_output.C.n'),
  ...says(['agent'], `host_perf.${me}`, `process_perf.${me}`),
  ...says(nobody, `host_perf.${other}`, `process_perf.${other}`),
  ...['global', `pcs.${me}`, 'groups.web'].flatMap((key) => [
    ...says(['operator', 'read-only', 'agent'], `$JS.API.CONSUMER.CREATE.KV_agent_config.c.$KV.agent_config.${key}`),
    ...hears(['agent'], `$KV.agent_config.${key}`),
  ]),
  ...[`pcs.${other}`, 'groups.db', 'groups.>', '>'].flatMap((key) => [
    ...says(['operator', 'read-only'], `$JS.API.CONSUMER.CREATE.KV_agent_config.c.$KV.agent_config.${key}`),
    ...hears(nobody, `$KV.agent_config.${key}`),
  ]),
  // What machines collect is for operators to read; a machine learns what stands under a name, to bring nothing twice.
  ...says(['agent'], '$O.collections.C.n', '$O.collections.M.bg=='),
  ...says(['operator', 'agent', 'read-only'], '$JS.API.DIRECT.GET.OBJ_collections.$O.collections.M.bg=='),
  ...says(['operator', 'read-only'], '$JS.API.CONSUMER.CREATE.OBJ_collections.c.$O.collections.C.n'),
  ...hears(nobody, '$O.collections.>'),
  ...says(nobody, `heartbeat.${other}`, `obs.${other}`, `events.started.e-1.${other}`),
  // What people are told, and that they have confirmed it.
  ...says(['operator'], 'notifications.all', `notifications.pc.${me}`, 'notif-amend'),
  ...hears(['agent'], 'notifications.all', `notifications.pc.${me}`, 'notifications.group.web', 'notif-amend'),
  ...hears(
    nobody,
    `notifications.pc.${other}`,
    'notifications.group.db',
    'notifications.>',
    '$KV.notifications_read.>',
  ),
  ...says(['operator', 'read-only', 'agent'], `$JS.API.CONSUMER.CREATE.NOTIFICATIONS.c.notifications.pc.${me}`),
  ...says(['operator', 'read-only'], `$JS.API.CONSUMER.CREATE.NOTIFICATIONS.c.notifications.pc.${other}`),
  ...says(['agent'], `events.notifications.acked.${me}.uid-0.n`, `events.notifications.unacked.${me}.uid-0.n`),
  ...says(['agent'], `events.notifications.toasted.${me}.uid-0.n`, `events.notifications.toasted.${me}.nobody.n`),
  ...says(nobody, `events.notifications.acked.${other}.uid-0.n`, `events.notifications.toasted.${other}.uid-0.n`),
  // Of the marks that are kept a machine reads those of its own people.
  ...says(
    ['operator', 'read-only', 'agent'],
    `$JS.API.CONSUMER.CREATE.KV_notifications_read.c.$KV.notifications_read.${me}.>`,
  ),
  ...says(
    ['operator', 'read-only'],
    `$JS.API.CONSUMER.CREATE.KV_notifications_read.c.$KV.notifications_read.${other}.>`,
    '$JS.API.CONSUMER.CREATE.KV_notifications_read.c.$KV.notifications_read.>',
  ),
  ...says(['operator', 'agent'], `$KV.notifications_read.${me}.uid-0.n`),
  ...says(['operator'], `$KV.notifications_read.${other}.uid-0.n`),
  // Support codes, as hashes; nothing else of the settings of the fleet.
  ...hears(['agent'], '$KV.fleet_config.support_codes', '$KV.server_settings.current'),
  ...hears(nobody, '$KV.fleet_config.freeze', '$KV.fleet_config.>', '$KV.server_settings.>'),
  ...says(['operator'], '$O.scripts.C.n', '$O.scripts.M.bg=='),
  // Scripts are for every machine, as the catalogue is; the list of their names is for operators.
  ...says(roles, '$JS.API.DIRECT.GET.OBJ_scripts.$O.scripts.M.bg=='),
  ...says(
    ['operator', 'agent', 'read-only'],
    '$JS.API.CONSUMER.CREATE.OBJ_scripts.c.$O.scripts.C.n',
    '$JS.API.CONSUMER.CREATE.OBJ_scripts.c.$O.scripts.C.>',
  ),
  ...says(
    ['operator', 'read-only'],
    '$JS.API.CONSUMER.CREATE.OBJ_scripts.c.$O.scripts.M.>',
    '$JS.API.DIRECT.GET.OBJ_scripts',
  ),
  // So are releases, but for those who order by hand; and nobody but operators publishes one.
  ...says(['operator'], '$O.agent_releases.C.n', '$O.agent_releases.M.bg=='),
  ...says(['operator', 'agent', 'read-only'], '$JS.API.DIRECT.GET.OBJ_agent_releases.$O.agent_releases.M.bg=='),
  ...says(
    ['operator', 'agent', 'read-only'],
    '$JS.API.CONSUMER.CREATE.OBJ_agent_releases.c.$O.agent_releases.C.n',
    '$JS.API.STREAM.INFO.OBJ_agent_releases',
  ),
  ...says(
    ['operator', 'read-only'],
    '$JS.API.CONSUMER.CREATE.OBJ_agent_releases.c.$O.agent_releases.M.>',
    '$JS.API.DIRECT.GET.OBJ_agent_releases',
  ),
  ...says(nobody, '$JS.API.STREAM.DELETE.OBJ_agent_releases', '$JS.API.STREAM.PURGE.OBJ_agent_releases'),
  ...hears(nobody, '$O.agent_releases.>'),
  ...says(['operator', 'read-only', 'break-glass'], `agents.${other}.ping`),
  ...says(['operator', 'read-only'], `job.tail.${other}`, `logs.fetch.${other}`),
  ...says(['operator'], 'audit.operator.put.job'),
  ...says(['operator', 'break-glass'], 'audit.operator.kill.e-1', 'audit.operator.exec.e-1', 'audit.operator.run.e-1'),
  ...says(
    nobody,
    '$SYS.REQ.SERVER.PING',
    '$JS.ACK.EXEC.c.1.1.1.1.0',
    '$JS.API.SERVER.REMOVE',
    '$JS.API.ACCOUNT.PURGE.A',
  ),
  ...Object.values(buckets).flatMap((bucket) => says(['operator'], `$KV.${bucket}.key`)),
  ...everyStream.flatMap((stream) => [
    ...says(nobody, ...['DELETE', 'PURGE', 'SNAPSHOT', 'RESTORE'].map((verb) => `$JS.API.STREAM.${verb}.${stream}`)),
    ...says(nobody, `$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, `$JS.API.STREAM.PEER.REMOVE.${stream}`),
    ...says(['operator'], `$JS.API.STREAM.CREATE.${stream}`, `$JS.API.STREAM.UPDATE.${stream}`),
    ...says(stream === 'EXEC' ? ['operator'] : nobody, `$JS.API.STREAM.MSG.DELETE.${stream}`),
    ...says(nobody, `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.mine`),
    // Without its filter in the subject a consumer shows everything.
    ...says(
      stream === 'RESULTS' ? ['operator', 'read-only', 'break-glass'] : ['operator', 'read-only'],
      `$JS.API.CONSUMER.CREATE.${stream}.c`,
    ),
  ]),
  ...says(
    ['operator', 'read-only'],
    '$JS.API.STREAM.MSG.GET.EXEC',
    '$JS.API.STREAM.MSG.GET.RESULTS',
    '$JS.API.STREAM.MSG.GET.KV_agent_groups',
  ),
  ...says(
    ['operator', 'read-only'],
    '$JS.API.DIRECT.GET.EXEC',
    `$JS.API.CONSUMER.CREATE.EXEC.c.commands.pc.${other}.>`,
  ),
  ...says(['operator', 'read-only'], '$JS.API.CONSUMER.CREATE.EXEC.c.commands.>', '$JS.API.CONSUMER.CREATE.EXEC.c.>'),
  ...says(['operator', 'read-only', 'agent'], `$JS.API.CONSUMER.CREATE.EXEC.c.commands.pc.${me}.>`),
  ...says(roles, '$JS.API.STREAM.MSG.GET.KV_script_status'),
  ...hears(['agent'], `commands.pc.${me}.>`, 'commands.all.>', 'commands.group.web.>', 'kill.>', `agents.${me}.ping`),
  ...hears(['agent'], `job.tail.${me}`, `logs.fetch.${me}`),
  ...hears(
    nobody,
    `commands.pc.${other}.>`,
    `commands.pc.${other}`,
    'commands.>',
    'commands.pc.*.*',
    'commands.group.db.>',
  ),
  ...hears(
    nobody,
    `agents.${other}.ping`,
    'agents.*.ping',
    'job.tail.*',
    'logs.fetch.*',
    '_INBOX.>',
    '_INBOX.*.*',
    '$SYS.>',
    '$JS.>',
    '>',
    '$KV.>',
    '$O.>',
  ),
  ...hears(nobody, `$KV.agent_groups.${other}`, '$O.result_output.>', `job.tail.${other}`, `logs.fetch.${other}`),
  ...hears(['operator', 'read-only', 'break-glass'], 'results.>'),
  ...hears(['operator', 'read-only'], 'heartbeat.>', 'host_perf.>', 'process_perf.>', 'events.>', 'obs.>', 'audit.>'),
];

/** A server with the users of two machines, and a connection for each role. */
async function openRoles(path: string) {
  await using parts = new AsyncDisposableStack();
  const dir = parts.use(await tempDir());
  const keys = openRoleKeys(`${dir.path}/keys`, parseMachines(`${me}: web\n${other}: db # the second\n`));
  const broker = parts.use(await startNatsServer({ path, lines: [serverConfig(keys.users)] }));
  const files = { operator: 'operator', 'read-only': 'read-only', 'break-glass': 'break-glass', agent: `agents/${me}` };
  const accessOf = (file: string) =>
    readBrokerAccess({
      role: 'agent',
      env: { KANADE_NATS_URL: broker.url, KANADE_NATS_NKEY: `${dir.path}/keys/${file}.nk` },
      isRoot: false,
      home: dir.path,
      cwd: dir.path,
    });
  const open = async (name: RoleName): Promise<NatsConnection> =>
    parts.use(await openConnection(accessOf(files[name]), { name, pauseMs: () => 10 }));
  const operator = parts.use(await connectFleet({ servers: accessOf('operator'), name: 'set-up' }));
  await createTopology(operator.connection);
  const connections = Object.fromEntries(
    await Promise.all(roles.map(async (name) => [name, await open(name)])),
  ) as Record<RoleName, NatsConnection>;
  const all = parts.move();
  return { operator, connections, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Tries every action at once; returns those that were let through. A refusal is told before the answer to the ping behind it. */
async function permitted(connection: NatsConnection): Promise<string[]> {
  const refused = new Set<string>();
  const listening = (async () => {
    for await (const status of connection.status()) {
      const { error } = status as { error?: Error };
      if (error instanceof PermissionViolationError) {
        refused.add(`${error.operation === 'publish' ? 'publish' : 'subscribe'} ${error.subject}`);
      }
    }
  })();
  for (const { does, subject } of actions) {
    // An empty request is one that the server cannot carry out, whoever asks.
    if (does === 'publish') connection.publish(subject, '', { reply: '_INBOX.none' });
    else connection.subscribe(subject, { callback: () => undefined });
  }
  await connection.flush();
  await connection.close();
  await listening;
  return actions.map(({ does, subject }) => `${does} ${subject}`).filter((action) => !refused.has(action));
}

describe.each(await natsServers())('the printed configuration on nats-server $version', ({ path }) => {
  it(`${actions.length} actions × ${roles.length} roles: everybody may do what is theirs, and nothing else`, async () => {
    await using site = await openRoles(path);
    for (const role of roles) {
      const mine = actions.filter(({ may }) => may.includes(role)).map(({ does, subject }) => `${does} ${subject}`);
      expect({ role, may: await permitted(site.connections[role]) }).toEqual({ role, may: mine });
    }
  });

  it('an agent gets no order of others by asking for more than the subject of its request says', async () => {
    await using site = await openRoles(path);
    const { operator, connections } = site;
    await operator.jetstream.publish(`commands.pc.${other}.job`, 'for the other');
    const ask = async (name: string, config: object): Promise<{ error?: object; num_pending?: number }> => {
      const subject = `$JS.API.CONSUMER.CREATE.EXEC.${name}.commands.pc.${me}.>`;
      const wanted = { name, ack_policy: 'none', deliver_policy: 'all', mem_storage: true, ...config };
      const answer = await connections.agent.request(subject, JSON.stringify({ stream_name: 'EXEC', config: wanted }));
      return answer.json();
    };
    expect(await ask('a', { filter_subject: `commands.pc.${me}.>` })).toMatchObject({ num_pending: 0 });
    const theirs = `commands.pc.${other}.>`;
    for (const config of [
      { filter_subject: theirs },
      { filter_subjects: [theirs] },
      { filter_subject: 'commands.>' },
      {},
    ]) {
      const { error, num_pending } = await ask('b', config);
      expect({ config, refused: error !== undefined || num_pending === 0 }).toEqual({ config, refused: true });
    }
  });

  it('a consumer that delivers elsewhere forges nothing: what arrives is the message under its own subject', async () => {
    await using site = await openRoles(path);
    const { operator, connections } = site;
    const heard: string[] = [];
    for (const subject of ['kill.>', `heartbeat.${other}`]) {
      const by = subject.startsWith('kill') ? connections.agent : operator.connection;
      by.subscribe(subject, { callback: (_, message) => void heard.push(message.subject) });
      await by.flush();
    }
    for (const [at, deliver_subject] of [
      'kill.e-1',
      `heartbeat.${other}`,
      '$KV.script_status.job',
      'results.r-1',
    ].entries()) {
      const filter = `commands.pc.${me}.>`;
      const config = {
        name: `p${at}`,
        filter_subject: filter,
        ack_policy: 'none',
        deliver_policy: 'all',
        deliver_subject,
      };
      const subject = `$JS.API.CONSUMER.CREATE.EXEC.p${at}.${filter}`;
      await connections.agent.request(subject, JSON.stringify({ stream_name: 'EXEC', config }));
    }
    await operator.jetstream.publish(`commands.pc.${me}.job`, 'REVOKED');
    await operator.connection.flush();
    const jsm = await jetstreamManager(operator.connection);
    for (const stream of ['KV_script_status', 'RESULTS']) {
      expect((await jsm.streams.info(stream)).state.messages).toBe(0);
    }
    expect(heard.filter((subject) => !subject.startsWith('commands.'))).toEqual([]);
  });
});

describe('the printed configuration', () => {
  it('takes many machines, and keeps the keys that are there', async () => {
    await using dir = await tempDir();
    const machines = parseMachines(Array.from({ length: 150 }, (_, at) => `pc-${at}`).join('\n'));
    const first = openRoleKeys(dir.path, machines);
    expect(first).toMatchObject({ made: 153 });
    const text = serverConfig(first.users);
    expect(text).not.toMatch(/\bSU[A-Z2-7]{56}\b/);
    await using broker = await startNatsServer({ path: newest.path, lines: [text] });
    expect(broker.version).not.toBe('unknown');
    expect(openRoleKeys(dir.path, machines)).toEqual({ ...first, made: 0 });
    for (const name of readdirSync(`${dir.path}/agents`)) {
      expect(statSync(`${dir.path}/agents/${name}`).mode & 0o777).toBe(0o600);
    }
    chmodSync(`${dir.path}/operator.nk`, 0o644);
    expect(() => openRoleKeys(dir.path, machines)).toThrow(expect.objectContaining({ code: 'secret_exposed' }));
  });
});

describe('parseMachines()', () => {
  it('reads ids, groups and comments', () => {
    expect(parseMachines('# all\npc-1\n\npc-2: web, db # two\r\npc-3:\npc-1: late\n')).toEqual([
      { pc: 'pc-1', groups: ['late'] },
      { pc: 'pc-2', groups: ['web', 'db'] },
      { pc: 'pc-3', groups: [] },
    ]);
  });

  it.each(['a.b', 'a b', '*', '>', 'pc: a.b', '../x'])('refuses %j', (text) => {
    expect(() => parseMachines(text)).toThrow(expect.objectContaining({ code: 'invalid_id' }));
  });
});
