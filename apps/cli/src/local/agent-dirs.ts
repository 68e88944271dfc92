/** Where the agents of this machine keep their data, as their environment and their configuration files say. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { agentConfigFile, agentDataDir, systemDataDir } from '@kanade/shared/local-words';
import type { Context } from '../call/command.ts';

export type AgentAround = Pick<Context, 'cwd' | 'io' | 'agentDataDir'>;

/** Of the agent that this user would start. Absolute. */
export async function ownAgentDir(context: AgentAround): Promise<string> {
  const { cwd, io } = context;
  const place = { isRoot: process.getuid?.() === 0, home: io.env.HOME || homedir() };
  const file = resolve(cwd, io.env.KANADE_AGENT_CONFIG || agentConfigFile(io.env, place));
  const said = io.env.KANADE_AGENT_DATA_DIR ? undefined : await saidIn(file, context);
  return resolve(cwd, said ?? agentDataDir(io.env, place));
}

/** Of the agent of the system. */
export const systemAgentDir = async (context: AgentAround): Promise<string> =>
  (await saidIn(agentConfigFile({}, { isRoot: true, home: '/' }), context)) ?? systemDataDir;

/** Asked of the agent, where there is a file: it brings the parser. */
const saidIn = async (file: string, { agentDataDir: asked }: AgentAround): Promise<string | undefined> =>
  existsSync(file) ? asked?.(file) : undefined;
