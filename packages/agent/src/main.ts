import { homedir, hostname } from 'node:os';
import { type BrokerAccess, readBrokerAccess } from '@kanade/fleet/connection';
import { createAgent } from './agent.ts';
import { AgentError, exitCodes } from './agent-error.ts';
import { type BrokerWords, type ParsedArgs, parseConfig, type Surroundings, usage } from './config/config.ts';
import { createLogFile } from './config/log-file.ts';
import { createLogger, type Logger } from './config/logger.ts';
import { agentVersion } from './config/version.ts';
import type { Io } from './io.ts';
import { limits } from './limits.ts';

/** Runs the agent until `io.signal` fires. Resolves with the exit code: 0, 2 (usage), or why it could not start. */
export async function main(args: readonly string[], io: Io): Promise<number> {
  const around: Surroundings = {
    hostName: hostname(),
    isRoot: process.getuid?.() === 0,
    home: io.env.HOME || homedir(),
    cwd: process.cwd(),
  };
  const parsed = parseConfig(args, io.env, around);
  switch (parsed.kind) {
    case 'help':
      io.stdout(usage);
      return 0;
    case 'version':
      io.stdout(`${agentVersion()}\n`);
      return 0;
    case 'usage':
      io.stderr(`kanade-agent: ${parsed.message}\n\n${usage}`);
      return 2;
    case 'run':
      return run(parsed, around, io);
  }
}

async function run({ config, broker: asked }: Extract<ParsedArgs, { kind: 'run' }>, around: Surroundings, io: Io) {
  const agentLog = createLogFile(io.stderr);
  const log = createLogger(config.logLevel, agentLog.write);
  // Looked at first: from here on a signal is a wish to end, and whatever is open by then is closed.
  const { signal } = io;
  try {
    const access = accessOf(asked, around, io);
    const agent = await createAgent({ ...config, ...(access ? { access } : {}) }, { log, agentLog });
    const { pcId, socket, version, broker } = agent;
    io.stdout(
      `${JSON.stringify({ type: 'agent.ready', pc_id: pcId, socket, broker: access?.servers ?? null, version })}\n`,
    );
    log.info({ pc_id: pcId, socket, version, broker }, 'the agent is ready');
    await aborted(signal);
    log.info('the agent ends; running jobs go on');
    await within(Promise.resolve(agent[Symbol.asyncDispose]()), log);
    return 0;
  } catch (error) {
    if (error instanceof AgentError) {
      io.stderr(`kanade-agent: ${error.message}\n`);
      return exitCodes[error.code];
    }
    log.fatal({ err: error }, 'the agent could not start');
    return 1;
  }
}

/** How the broker is reached; undefined when nobody names one. Throws AgentError. */
function accessOf({ servers, file }: BrokerWords, around: Surroundings, { env }: Io): BrokerAccess | undefined {
  try {
    const access = readBrokerAccess({ role: 'agent', env, servers, file, ...around });
    return access.servers.length === 0 ? undefined : access;
  } catch (error) {
    throw new AgentError('connection_unusable', (error as Error).message, { cause: error });
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
