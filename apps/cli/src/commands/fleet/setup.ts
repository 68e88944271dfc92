import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Failure } from '../../answer/answer.ts';
import { type Answer, type Context, defineCommand, noWords, UsageError } from '../../call/command.ts';
import { withFleet } from './connect.ts';

/** Most copies that a broker makes. */
const replicasMax = 5;

export const setup = defineCommand({
  name: 'setup',
  summary: 'create or update streams and buckets on the broker; safe to repeat',
  usage: '',
  options: {
    replicas: {
      kind: 'count',
      value: 'N',
      help: 'copies of everything, 1 to 5 (default: three on a cluster of three servers or more, else one)',
    },
    reset: { kind: 'flag', help: 'also put back sizes, ages and histories that were changed on the broker' },
    'print-server-config': {
      kind: 'flag',
      help: 'print the users of the broker with the least that each needs, for its configuration; asks no broker',
    },
    keys: { kind: 'text', value: 'DIR', help: 'where the NKey of each user is, or is made (0600)' },
    enrolment: {
      kind: 'flag',
      help: 'with it: users that an authority in DIR signs, so that machines can be enrolled instead of being listed',
    },
    'resolver-dir': {
      kind: 'text',
      value: 'DIR',
      help: 'with --enrolment: where the broker keeps accounts itself; credentials that are ended end at once (default: in its memory, from this text)',
    },
    agents: { kind: 'text', value: 'PC,PC', help: 'machines that get a user of their own' },
    'agents-file': { kind: 'text', value: 'FILE', help: 'the same, one a line: PC, or PC: GROUP, GROUP' },
  },
  notes: [
    'With --print-server-config, put the text into the configuration of nats-server, DIR/operator.nk into the connection file of operators, and DIR/agents/PC.nk into that of each machine. With groups behind its id a machine hears the orders of those groups alone.',
  ],
  examples: [
    'kanade fleet setup',
    'kanade fleet --server nats://broker.example:4222 setup',
    'kanade fleet setup --print-server-config --keys ./keys --agents pc-1,pc-2',
    'kanade fleet setup --print-server-config --enrolment --keys ./keys --resolver-dir /var/lib/nats/accounts',
  ],
  async run(options, words, context) {
    noWords(words);
    const { replicas, keys, agents, 'agents-file': file } = options;
    const { enrolment: signed = false, 'resolver-dir': resolverDir } = options;
    if (resolverDir !== undefined && !signed) throw new UsageError('--resolver-dir needs --enrolment');
    if (options['print-server-config'])
      return signed
        ? printSignedConfig({ keys, agents, file, resolverDir }, context)
        : printServerConfig({ keys, agents, file }, context);
    if (signed || keys !== undefined || agents !== undefined || file !== undefined) {
      throw new UsageError('--keys, --enrolment, --agents and --agents-file need --print-server-config');
    }
    if (replicas !== undefined && (replicas < 1 || replicas > replicasMax)) {
      throw new UsageError(`option --replicas must be between 1 and ${replicasMax}: ${replicas}`);
    }
    return setUp({ replicas, reset: options.reset }, context);
  },
});

function setUp(
  wanted: { replicas: number | undefined; reset: boolean | undefined },
  context: Context,
): Promise<Answer> {
  const { io } = context;
  return withFleet(context, async ({ fleet, createTopology, durability, audit }) => {
    const onWaiting = (why: string): void => io.stderr(`waiting for the cluster: ${why}\n`);
    const report = await createTopology(fleet.connection, { ...wanted, onWaiting, signal: io.signal });
    for (const { stream, setting, is, ours } of report.kept) {
      io.stderr(`warning: ${setting} of ${stream} stays ${String(is)}, not ${String(ours)}; --reset changes it\n`);
    }
    if (report.replicas === 1 && wanted.replicas === undefined && fleet.connection.info?.cluster) {
      io.stderr('warning: this cluster has not three servers for streams now: one copy; call again when it has\n');
    }
    const { line } = await durability(fleet.connection, { signal: io.signal });
    io.stderr(`${line}\n`);
    const server = fleet.connection.getServer();
    const { created, updated, replicas } = report;
    const noted = await audit({ action: 'setup', details: { created, updated, replicas } });
    const about = { server, server_version: fleet.serverVersion };
    return { type: 'fleet.setup', ...about, ...report, durability: line, ...noted };
  });
}

interface ConfigWords {
  readonly keys: string | undefined;
  readonly agents: string | undefined;
  readonly file: string | undefined;
}

async function printServerConfig({ keys, agents, file }: ConfigWords, { cwd, io }: Context): Promise<string> {
  if (!keys)
    throw new UsageError('--print-server-config needs --keys DIR: there the keys of its users are, or are made');
  const { openRoleKeys, parseMachines, serverConfig } = await import('./library.ts');
  const listed = file === undefined ? '' : readList(resolve(cwd, file));
  const machines = parseMachines(`${listed}\n${(agents ?? '').replaceAll(',', '\n')}`);
  const { users, made } = openRoleKeys(resolve(cwd, keys), machines);
  io.stderr(`${users.length} users, ${machines.length} of them machines; ${made} keys made in ${keys}\n`);
  return serverConfig(users);
}

async function printSignedConfig(
  { keys, agents, file, resolverDir }: ConfigWords & { readonly resolverDir: string | undefined },
  { cwd, io }: Context,
): Promise<string> {
  if (!keys) throw new UsageError('--print-server-config needs --keys DIR: there its authority is, or is made');
  if (agents !== undefined || file !== undefined)
    throw new UsageError('with --enrolment machines are not listed: each asks with a token (enrol-token create)');
  const { openAuthority, signedServerConfig } = await import('./enrol/library.ts');
  const authority = await openAuthority(resolve(cwd, keys));
  io.stderr(
    `${authority.made === 0 ? 'the authority was there' : 'an authority was made'} in ${keys}: keep ${keys}/authority to yourself\n`,
  );
  return signedServerConfig(authority, resolverDir === undefined ? undefined : resolve(cwd, resolverDir));
}

function readList(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Failure('file_unreadable', `the list of machines cannot be read: ${path}: ${(error as Error).message}`);
  }
}
