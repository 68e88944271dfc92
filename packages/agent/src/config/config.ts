import { parseArgs } from 'node:util';
import type { BrokerAccess } from '@kanade/fleet/connection';
import { type LogLevel, logLevels } from '@kanade/shared/fleet';
import type { ConfigFile } from './file.ts';
import type { SettingName } from './setting-table.ts';
import { type AllSettled, type Arguments, type Source, settleConfig, type Unusable } from './settle.ts';
import type { Surroundings } from './surroundings.ts';

/** All that an agent is told from outside. */
export interface AgentConfig {
  /** The name of this machine in the fleet. */
  readonly pcId: string;
  readonly dataDir: string;
  /** Path of the local socket; the system's default when absent. */
  readonly socket?: string;
  /** Directory of job files (`*.yaml`). */
  readonly jobsDir?: string;
  /** How the broker is reached; absent = no broker. */
  readonly access?: BrokerAccess;
  /** Key ring that orders are verified with, a file or a directory; absent = orders are not verified. */
  readonly commandKeys?: string;
  readonly logLevel: LogLevel;
  /** Where its log is kept; default: in its data directory. */
  readonly logPath?: string;
  /** Keep the log of so many days, a file for each, 0: none; absent = two files of a bounded size. */
  readonly logKeepDays?: number;
  /** File that every frame on the local socket is written to, for finding faults. */
  readonly localTrace?: { readonly path: string; readonly bodies: boolean };
  /** Serve the user who runs the agent, and nobody else, instead of the people of this machine. */
  readonly allowOwnUser: boolean;
  /** Directory that jobs without `cwd` start in. */
  readonly cwd: string;
  /** Environment that jobs start with, before our own variables are taken out. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What is said of the broker outside of its connection file. */
export interface BrokerWords {
  /** Of arguments. */
  readonly servers: readonly string[];
  /** Connection file that is named. */
  readonly file: string | undefined;
  /** Addresses of the configuration file, and where they stand. */
  readonly configured: { readonly servers: string; readonly from: string } | undefined;
}

export type ParsedArgs =
  | { readonly kind: 'given'; readonly args: Arguments }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'usage'; readonly message: string };

export type ParsedConfig =
  | { readonly kind: 'run'; readonly config: AgentConfig; readonly broker: BrokerWords; readonly settled: AllSettled }
  | { readonly kind: 'usage'; readonly message: string }
  /** The configuration file is to blame. */
  | { readonly kind: 'refused'; readonly path: string; readonly faults: readonly Unusable[] };

export const usage = `Usage: kanade-agent [options]
       kanade-agent config check|show [--json] [options]
       kanade-agent enrol --token-file FILE [options]

  --config FILE      what is set here (env KANADE_AGENT_CONFIG; default: agent.toml in /etc/kanade for root, in
                     ~/.config/kanade for others, where it is there). Arguments and the environment count before it
  --id ID            name of this machine in the fleet (default: the host name)
  --data-dir DIR     where runs and results are kept (env KANADE_AGENT_DATA_DIR)
  --socket PATH      local socket to serve (env KANADE_SOCKET)
  --jobs DIR         offer the jobs of this directory (*.yaml)
  --server URL       broker, may be given several times (env KANADE_NATS_URL, comma-separated); without one the agent
                     works on its own
  --connection FILE  how the broker is reached: servers, credentials, TLS (env KANADE_NATS_CONFIG; default: agent.yaml in
                     /etc/kanade for root, in ~/.config/kanade for others)
  --command-keys PATH  key ring to verify orders with, a file or a directory of *.json (env KANADE_COMMAND_KEYS); without
                     one orders are not verified; with one that cannot be read every order is refused
  --allow-own-user   serve only the user who runs the agent, whoever that is
  --log-level LEVEL  ${logLevels.join(', ')} (default: info)
  --version, --help

Credentials never stand in an argument: they come from the connection file, or from env KANADE_NATS_TOKEN, _USER and
_PASSWORD, _CREDS or _NKEY (files), with _CA, _CERT and _KEY (files) for TLS. Files with secrets need mode 0600.

For finding faults: env KANADE_KLP_TRACE=FILE writes down every message on the local socket, without what it holds;
with KANADE_KLP_TRACE_BODIES=1 also params and results, secrets included.
`;

const options = {
  config: { type: 'string' },
  id: { type: 'string' },
  'data-dir': { type: 'string' },
  socket: { type: 'string' },
  jobs: { type: 'string' },
  server: { type: 'string', multiple: true },
  connection: { type: 'string' },
  'command-keys': { type: 'string' },
  'allow-own-user': { type: 'boolean' },
  'log-level': { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Takes the words of a call apart, with further options where a command has them. Never throws. */
export function parseArguments(
  args: readonly string[],
  more: Readonly<Record<string, { type: 'boolean' | 'string' }>> = {},
): ParsedArgs {
  let values: Arguments;
  try {
    values = parseArgs({ args: [...args], options: { ...options, ...more }, strict: true, allowPositionals: false })
      .values as Arguments;
  } catch (error) {
    return { kind: 'usage', message: (error as Error).message };
  }
  if (values.help) return { kind: 'help' };
  if (values.version) return { kind: 'version' };
  const empty = Object.entries(values).find(
    ([, value]) => value === '' || (Array.isArray(value) && value.includes('')),
  );
  if (empty) return { kind: 'usage', message: `--${empty[0]} needs a value: it is empty` };
  if ([values.server ?? []].flat().some((server) => String(server).includes('@'))) {
    return {
      kind: 'usage',
      message:
        '--server must not hold credentials, everybody can read a command line: use the environment or a connection file',
    };
  }
  return { kind: 'given', args: values };
}

/** Arguments first, environment second, file third, defaults last. Never throws. */
export function parseConfig(
  args: Arguments,
  env: Readonly<Record<string, string | undefined>>,
  around: Surroundings,
  file?: ConfigFile,
): ParsedConfig {
  const { settled, unusable } = settleConfig({ args, env, around, file });
  const inFile = file ? fileFaults(file, unusable) : [];
  if (file && inFile.length > 0) return { kind: 'refused', path: file.path, faults: inFile };
  const [wrong] = unusable;
  if (wrong) return { kind: 'usage', message: usageOf(wrong) };
  return { kind: 'run', config: configOf(settled, env, around), broker: brokerWordsOf(settled, args), settled };
}

/** Everything that is wrong with a file, in the order in which it stands there. */
export function fileFaults(file: ConfigFile, unusable: readonly Unusable[]): Unusable[] {
  const from: Source = { kind: 'file', path: file.path, line: 0, column: 0 };
  const all = [
    ...file.faults.map((fault) => ({ ...fault, from })),
    ...unusable.filter(({ from: { kind } }) => kind === 'file'),
  ];
  return all.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function usageOf({ key, message, from }: Unusable): string {
  if (key === 'agent.id') return `the id of this machine ${message.replace('; write it', '; give --id')}`;
  return `${from.kind === 'argument' || from.kind === 'environment' ? from.name : key} ${message}`;
}

function configOf(settled: AllSettled, env: AgentConfig['env'], { cwd }: Surroundings): AgentConfig {
  /** What was said, by whomever; what holds else is the business of who takes it. */
  const said = (name: SettingName): string | undefined =>
    settled[name].from.kind === 'default' ? undefined : String(settled[name].value);
  const [socket, jobsDir, commandKeys] = [said('agent.socket'), said('agent.jobs'), said('agent.command_keys')];
  const [logPath, keepDays, trace] = [said('log.path'), said('log.keep_days'), said('log.local_trace')];
  return {
    pcId: String(settled['agent.id'].value),
    dataDir: String(settled['agent.data_dir'].value),
    ...(socket === undefined ? {} : { socket }),
    ...(jobsDir === undefined ? {} : { jobsDir }),
    ...(commandKeys === undefined ? {} : { commandKeys }),
    logLevel: settled['log.level'].value as LogLevel,
    ...(logPath === undefined ? {} : { logPath }),
    ...(keepDays === undefined ? {} : { logKeepDays: Number(keepDays) }),
    ...(trace === undefined
      ? {}
      : { localTrace: { path: trace, bodies: settled['log.local_trace_bodies'].value === true } }),
    allowOwnUser: settled['agent.allow_own_user'].value === true,
    cwd,
    env,
  };
}

/** What is said of the broker, and by whom. */
export function brokerWordsOf(settled: AllSettled, args: Arguments): BrokerWords {
  const { value, from } = settled['agent.nats_url'];
  const connection = settled['broker.connection'].value;
  return {
    servers: [args.server ?? []].flat().map(String),
    file: connection === undefined ? undefined : String(connection),
    configured:
      from.kind === 'file'
        ? { servers: String(value), from: `agent.nats_url in ${from.path}:${from.line}` }
        : undefined,
  };
}
