import { homedir, hostname, userInfo } from 'node:os';
import { dirname, resolve } from 'node:path';
import { restartExitCode } from '@kanade/update/boot';
import { createAgent } from './agent.ts';
import { AgentError, exitCodes } from './agent-error.ts';
import { brokerAccessOf, configOfEnrolled } from './config/broker-words.ts';
import { configCommand } from './config/command.ts';
import { type ParsedConfig, parseArguments, parseConfig, usage } from './config/config.ts';
import type { Remark } from './config/document.ts';
import { readAgentToml } from './config/file.ts';
import { createLogFile } from './config/log-file.ts';
import { createLogger, type Logger } from './config/logger.ts';
import { fileRefusal } from './config/remark-text.ts';
import type { Arguments } from './config/settle.ts';
import type { Surroundings } from './config/surroundings.ts';
import { agentVersion } from './config/version.ts';
import { enrolCommand } from './enrol/command.ts';
import type { Io } from './io.ts';
import { limits } from './limits.ts';
import { beginBoot } from './update/boot.ts';
import { ownProgram } from './update/program.ts';

/** Runs the agent until `io.signal` fires. Resolves with the exit code: 0, 2 (usage), or why it could not start. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const around = surroundings(io);
  if (args[0] === 'config') return configCommand(args.slice(1), around, io);
  if (args[0] === 'enrol') return enrolCommand(args.slice(1), around, io);
  const parsed = parseArguments(args);
  switch (parsed.kind) {
    case 'help':
      io.stdout(usage);
      return 0;
    case 'version':
      io.stdout(`${agentVersion()}\n`);
      return 0;
    case 'usage':
      return misuse(parsed.message, io);
    case 'given':
      return begin(parsed.args, around, io);
  }
}

/**
 * The data directory that a configuration file says, absolute; undefined where it says none, or could not be relied upon: an agent would
 * not start with it.
 */
export async function configuredDataDir(path: string, { env }: Pick<Io, 'env'>): Promise<string | undefined> {
  const file = await readAgentToml(path, env, surroundings({ env }));
  const said = file?.faults.length === 0 ? file.values.get('agent.data_dir') : undefined;
  return said === undefined ? undefined : resolve(dirname(path), String(said.value));
}

function surroundings({ env }: Pick<Io, 'env'>): Surroundings {
  return {
    hostName: hostname(),
    isRoot: process.getuid?.() === 0,
    home: env.HOME || homedir(),
    cwd: process.cwd(),
    user: userName(),
  };
}

/** An account that the system has no name for is called by its number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
}

function misuse(message: string, io: Io): number {
  io.stderr(`kanade-agent: ${message}\n\n${usage}`);
  return 2;
}

async function begin(args: Arguments, around: Surroundings, io: Io): Promise<number> {
  const named = args.config === undefined ? undefined : String(args.config);
  const file = await readAgentToml(named, io.env, around);
  const parsed = parseConfig(args, io.env, around, file);
  switch (parsed.kind) {
    case 'usage':
      return misuse(parsed.message, io);
    case 'refused':
      io.stderr(`kanade-agent: ${fileRefusal(parsed.path, parsed.faults)}`);
      return exitCodes.config_unusable;
    case 'run':
      return run(parsed, file?.notes ?? [], { around, io });
  }
}

interface Outside {
  readonly around: Surroundings;
  readonly io: Io;
}

async function run(
  { config, broker: asked, settled }: Extract<ParsedConfig, { kind: 'run' }>,
  notes: readonly Remark[],
  { around, io }: Outside,
): Promise<number> {
  const agentLog = createLogFile(io.stderr);
  const log = createLogger(config.logLevel, agentLog.write);
  // Looked at first: from here on a signal is a wish to end, and whatever is open by then is closed.
  const { signal } = io;
  const trialMs = Number(settled['update.trial_secs'].value) * 1_000;
  const boot = await beginBoot({
    program: ownProgram(),
    version: agentVersion(),
    dataDir: config.dataDir,
    trialMs,
    log,
  });
  if (boot === 'restart') return restartExitCode;
  try {
    const access = brokerAccessOf(asked, around, io.env);
    const agent = await createAgent(configOfEnrolled(config, settled, access), { log, agentLog, boot });
    for (const note of notes) log.warn(note, 'the configuration file says something in vain');
    const { pcId, socket, version, broker } = agent;
    io.stdout(
      `${JSON.stringify({ type: 'agent.ready', pc_id: pcId, socket, broker: access?.servers ?? null, version })}\n`,
    );
    log.info({ pc_id: pcId, socket, version, broker }, 'the agent is ready');
    const isReplaced = await Promise.race([aborted(signal).then(() => false), agent.replaced.then(() => true)]);
    log.info('the agent ends; running jobs go on');
    await within(Promise.resolve(agent[Symbol.asyncDispose]()), log);
    return isReplaced ? restartExitCode : 0;
  } catch (error) {
    if (error instanceof AgentError) {
      io.stderr(`kanade-agent: ${error.message}\n`);
      return exitCodes[error.code];
    }
    log.fatal({ err: error }, 'the agent could not start');
    return 1;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Whoever starts us may wait no longer than this for our end. */
async function within(closing: Promise<void>, log: Logger): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    log.warn({ limit_ms: limits.closeMs }, 'closing took too long; what is on disk is taken up at the next start');
    late.resolve();
  }, limits.closeMs);
  await Promise.race([closing, late.promise]).finally(() => clearTimeout(timer));
}
