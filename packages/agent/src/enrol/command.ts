/** `kanade agent enrol`: the words of the call, and what is said of it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { connectionFile } from '@kanade/shared/local-words';
import { exitCodes } from '../agent-error.ts';
import { parseArguments, parseConfig } from '../config/config.ts';
import { readAgentToml } from '../config/file.ts';
import { fileRefusal } from '../config/remark-text.ts';
import type { Arguments } from '../config/settle.ts';
import type { Surroundings } from '../config/surroundings.ts';
import type { Io } from '../io.ts';
import type { EnrolTold } from './enrol.ts';

const enrolUsage = `Usage: kanade-agent enrol [--token-file FILE] [--wait SECONDS] [--no-restart] [options of the agent]

Asks a broker to let this machine in, with a token from "kanade fleet enrol-token create", and writes down what it gets: the connection
file of the agent, credentials whose key is made here and stays here, and the key ring for orders. All of it, or nothing.

  --token-file FILE  where the token stands; else env KANADE_ENROL_TOKEN, else standard input. Never an argument: everybody can read those
  --wait SECONDS     how long an issuer ("kanade fleet enrol serve") is waited for (default: 30)
  --no-restart       leave the service of the agent as it is
  --id ID            name of this machine (default: as the agent has it)
  --connection FILE  the connection file to write (default: where the agent looks)
  --json, --human    one line of JSON (where standard output is no terminal), or sentences

Safe to repeat: the same machine gets the same again and uses nothing of the token. Exit code 0: enrolled; 1: nothing was changed.
`;

const enrolOptions = {
  'token-file': { type: 'string' },
  wait: { type: 'string' },
  'no-restart': { type: 'boolean' },
  json: { type: 'boolean' },
  human: { type: 'boolean' },
} as const;

/** Exit code 0: enrolled, 1: not, and nothing was changed, 2: a call that makes no sense, 9: the configuration file is to blame. */
export async function enrolCommand(words: readonly string[], around: Surroundings, io: Io): Promise<number> {
  const parsed = parseArguments(words, enrolOptions);
  if (parsed.kind === 'help') {
    io.stdout(enrolUsage);
    return 0;
  }
  if (parsed.kind !== 'given') return misuse(parsed.kind === 'usage' ? parsed.message : 'enrol has no version', io);
  const { args } = parsed;
  const file = await readAgentToml(args.config === undefined ? undefined : String(args.config), io.env, around);
  const config = parseConfig(args, io.env, around, file);
  if (config.kind === 'usage') return misuse(config.message, io);
  if (config.kind === 'refused') {
    io.stderr(`kanade-agent: ${fileRefusal(config.path, config.faults)}`);
    return exitCodes.config_unusable;
  }
  const { 'agent.id': id, 'broker.connection': connection } = config.settled;
  return run(args, {
    pc: String(id.value),
    isNamed: id.from.kind !== 'default',
    connection: String(connection.value ?? resolve(around.cwd, connectionFile('agent', io.env, around))),
    otherRing: config.config.commandKeys,
    ...{ cwd: around.cwd, io },
  });
}

/** Where the agent looks, and how it is called, when it is started with the same words. */
interface Place {
  readonly pc: string;
  /** Somebody has given it that name. */
  readonly isNamed: boolean;
  readonly connection: string;
  /** The key ring that it is told of: it counts before the one that comes. */
  readonly otherRing: string | undefined;
  readonly cwd: string;
  readonly io: Io;
}

async function run(words: Arguments, { io, cwd, otherRing, ...place }: Place): Promise<number> {
  const seconds = Number(words.wait ?? '30');
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 86_400)
    return misuse('--wait takes 0 to 86400 seconds', io);
  const isHuman = words.json !== true && (words.human === true || io.isTerminal?.(1) === true);
  const fail = (code: string, message: string, retryable = false): number => {
    const error = { code, message, retryable };
    io.stdout(isHuman ? `✗ ${message}\n` : `${JSON.stringify({ ok: false, type: 'error', error })}\n`);
    return 1;
  };
  let token: string;
  try {
    token = readToken(words['token-file'] === undefined ? undefined : String(words['token-file']), cwd, io);
  } catch (error) {
    return fail('enrol_token_unreadable', (error as Error).message);
  }
  if (token === '') return misuse('no token: name its file, set KANADE_ENROL_TOKEN, or write it to standard input', io);
  // Loaded for this alone: it brings keys, credentials and what signs them.
  const { enrolMachine } = await import('./enrol.ts');
  const onWaiting = (): void => io.stderr('nobody enrols machines right now; waiting for "kanade fleet enrol serve"\n');
  const restarts = words['no-restart'] !== true;
  try {
    const told = await enrolMachine({
      ...{ token, ...place, waitMs: seconds * 1000, restarts, onWaiting, signal: io.signal },
    });
    if (otherRing !== undefined && told.command_keys)
      io.stderr(`the agent is told of another key ring, and that one counts: ${otherRing}\n`);
    io.stdout(isHuman ? said(told) : `${JSON.stringify({ ok: true, type: 'agent.enrol', ...told })}\n`);
    return 0;
  } catch (error) {
    const { code = 'internal', message, retryable } = error as Error & { code?: string; retryable?: boolean };
    return fail(code, message, retryable);
  }
}

function misuse(message: string, io: Io): number {
  io.stderr(`kanade-agent: ${message}\n\n${enrolUsage}`);
  return 2;
}

/** Most bytes that are read for a token. */
const tokenBytesMax = 256 * 1024;

function readToken(file: string | undefined, cwd: string, { env }: Io): string {
  const text =
    file !== undefined ? readFileSync(resolve(cwd, file), 'utf8') : env.KANADE_ENROL_TOKEN || readFileSync(0, 'utf8');
  if (text.length > tokenBytesMax) throw new Error(`that is no token: it has more than ${tokenBytesMax} bytes`);
  return text.trim();
}

const services: Readonly<Record<EnrolTold['service'], string>> = {
  restarted: 'The service was restarted; its jobs go on.',
  not_restarted: 'The agent takes it up when it is started again.',
  failed: 'The service could not be restarted: look at "systemctl status kanade-agent".',
  absent: 'No service of systemd runs the agent: start it again, or for the first time.',
};

function said({ pc_id, servers, generation, groups, again, service, ...told }: EnrolTold): string {
  const { connection, command_keys: keys, kept } = told;
  const how = again
    ? 'was enrolled before, and has it anew'
    : generation > 1
      ? `is enrolled, the ${generation}th of that name`
      : 'is enrolled';
  return [
    `✓ ${pc_id} ${how} at ${servers.join(', ')}.`,
    groups.length === 0 ? 'It is in no group.' : `Groups: ${groups.join(', ')}.`,
    `How the broker is reached stands in ${connection}.`,
    ...(kept === undefined ? [] : [`What stood there before is in ${kept}.`]),
    keys === undefined
      ? 'It got no key ring: orders are not verified.'
      : `It obeys the keys ${keys.kids.join(', ')} (${keys.enforcing ? 'and refuses what they have not signed' : 'and reports what they have not signed'}).`,
    services[service],
    '',
  ].join('\n');
}
