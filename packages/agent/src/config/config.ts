import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { BrokerAccess } from '@kanade/fleet/connection';
import { isToken, type LogLevel, logLevels } from '@kanade/shared/fleet';
import { agentDataDir } from '@kanade/shared/local-words';

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
  /** File that every frame on the local socket is written to, for finding faults. */
  readonly localTrace?: { readonly path: string; readonly bodies: boolean };
  /** Serve the user who runs the agent, and nobody else, instead of the people of this machine. */
  readonly allowOwnUser: boolean;
  /** Directory that jobs without `cwd` start in. */
  readonly cwd: string;
  /** Environment that jobs start with, before our own variables are taken out. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the system says about the machine and the account. */
export interface Surroundings {
  readonly hostName: string;
  readonly isRoot: boolean;
  readonly home: string;
  readonly cwd: string;
}

/** What the words of the call say of the broker. */
export interface BrokerWords {
  readonly servers: readonly string[];
  /** Connection file. */
  readonly file: string | undefined;
}

export type ParsedArgs =
  | { readonly kind: 'run'; readonly config: AgentConfig; readonly broker: BrokerWords }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'usage'; readonly message: string };

export const usage = `Usage: kanade-agent [options]

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

/** Arguments first, environment second, defaults last. Never throws. */
export function parseConfig(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  around: Surroundings,
): ParsedArgs {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(args);
  } catch (error) {
    return { kind: 'usage', message: (error as Error).message };
  }
  if (values.help) return { kind: 'help' };
  if (values.version) return { kind: 'version' };
  const empty = Object.entries(values).find(
    ([, value]) => value === '' || (Array.isArray(value) && value.includes('')),
  );
  if (empty) return { kind: 'usage', message: `--${empty[0]} needs a value: it is empty` };

  const pcId = values.id ?? around.hostName.replaceAll('.', '-');
  if (!isToken(pcId)) {
    return {
      kind: 'usage',
      message: `the id of this machine cannot be used: ${JSON.stringify(pcId)}; give --id with A-Z a-z 0-9 _ . -`,
    };
  }
  const level = values['log-level'] ?? 'info';
  if (!logLevels.includes(level as LogLevel)) {
    return { kind: 'usage', message: `--log-level is not one of ${logLevels.join(', ')}: ${JSON.stringify(level)}` };
  }
  const leaking = values.server?.find((server) => server.includes('@'));
  if (leaking !== undefined) {
    return {
      kind: 'usage',
      message:
        '--server must not hold credentials, everybody can read a command line: use the environment or a connection file',
    };
  }
  const at = (path: string): string => resolve(around.cwd, path);
  const socket = values.socket ?? filled(env.KANADE_SOCKET);
  const commandKeys = values['command-keys'] ?? filled(env.KANADE_COMMAND_KEYS);
  const tracePath = filled(env.KANADE_KLP_TRACE);
  return {
    kind: 'run',
    broker: { servers: values.server ?? [], file: values.connection },
    config: {
      pcId,
      dataDir: at(values['data-dir'] ?? agentDataDir(env, around)),
      ...(socket === undefined ? {} : { socket: at(socket) }),
      ...(values.jobs === undefined ? {} : { jobsDir: at(values.jobs) }),
      ...(commandKeys === undefined ? {} : { commandKeys: at(commandKeys) }),
      logLevel: level as LogLevel,
      ...(tracePath === undefined
        ? {}
        : { localTrace: { path: at(tracePath), bodies: env.KANADE_KLP_TRACE_BODIES === '1' } }),
      allowOwnUser: values['allow-own-user'] ?? false,
      cwd: around.cwd,
      env,
    },
  };
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
}

const filled = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
