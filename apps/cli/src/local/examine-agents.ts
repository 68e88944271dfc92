/** What `doctor` looks at of the agents of this machine: their data directories, the file in each, and the broker. Changes nothing. */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { lockHolder } from '@kanade/durable/lock';
import { agentFiles, connectionFile } from '@kanade/shared/local-words';
import type { Context } from '../call/command.ts';
import { type AgentAround, ownAgentDir, systemAgentDir } from './agent-dirs.ts';
import type { Finding } from './examine.ts';

/** All findings of the agent of one directory, or of every one whose place we know. */
export async function examineAgents(dataDir: string | undefined, context: AgentAround): Promise<Finding[]> {
  const dirs = [...new Set(await placesOf(dataDir, context))];
  const found = await Promise.all(dirs.map((dir) => examineAgent(dir)));
  if (found.some((findings) => findings.length > 0)) return found.flat();
  return [{ name: 'agent', ok: true, detail: `no agent has worked on this machine: nothing in ${dirs.join(' or ')}` }];
}

async function placesOf(dataDir: string | undefined, context: AgentAround): Promise<string[]> {
  const { cwd, io } = context;
  if (dataDir !== undefined) return [resolve(cwd, dataDir)];
  const own = await ownAgentDir(context);
  const isAlone = io.env.KANADE_AGENT_DATA_DIR || process.platform === 'win32';
  return isAlone ? [own] : [own, await systemAgentDir(context)];
}

/** Nothing where no agent has worked. */
async function examineAgent(dir: string): Promise<Finding[]> {
  const path = join(dir, agentFiles.database);
  let isFile: boolean;
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    isFile = !stat.isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return [];
    return [
      { name: 'agent', ok: true, detail: `${dir} is not for us to look into (${code})`, fix: 'call as its owner' },
    ];
  }
  const holder = lockHolder(join(dir, agentFiles.lock));
  const served = [servedBy(dir, holder), ...lockedOrders(join(dir, agentFiles.lockedOrders), holder)];
  if (!isFile) return [...served, damaged(path, 'it is a directory', holder)];
  // Loaded where there is a file: it needs SQLite.
  const { examineAgentFile } = await import('./examine-agent-file.ts');
  return [...served, ...(await examineAgentFile(path, (why) => damaged(path, why, holder)))];
}

function servedBy(dir: string, holder: number | null | undefined): Finding {
  const name = 'agent';
  if (holder === undefined)
    return { name, ok: true, detail: `${dir}; whether an agent works on it shows on Linux only` };
  if (holder !== null) return { name, ok: true, detail: `process ${holder} works on ${dir}` };
  return { name, ok: true, detail: `no agent works now on ${dir}`, fix: 'start one, when orders are to be taken' };
}

/** Why an agent that works refuses every order; nothing where it takes them. */
function lockedOrders(path: string, holder: number | null | undefined): Finding[] {
  if (holder === null || !existsSync(path)) return [];
  const detail = `every order is refused: ${readFileSync(path, 'utf8').slice(0, 500)}`;
  return [{ name: 'agent_orders', ok: false, detail, fix: 'mend the key ring: the agent reads it again by itself' }];
}

function damaged(path: string, why: string, holder: number | null | undefined): Finding {
  const again = holder === null ? 'start the agent' : 'restart the agent';
  return {
    name: 'agent_file',
    ok: false,
    detail: `${path} is damaged: ${why}`,
    fix: `${again}: it keeps the file aside and goes on with all that can be read of it`,
  };
}

/** The broker that this user or this machine is told of; nothing where none is. */
export async function examineBrokers({ cwd, io }: Pick<Context, 'cwd' | 'io'>): Promise<Finding[]> {
  const { env, signal } = io;
  const isRoot = process.getuid?.() === 0;
  const home = env.HOME || homedir();
  const around = { isRoot, home };
  const roles = (['operator', 'agent'] as const).filter((role) => existsSync(connectionFile(role, env, around)));
  const [role = env.KANADE_NATS_URL || env.KANADE_NATS_CONFIG ? 'operator' : undefined] = roles;
  if (role === undefined) return [];
  // Loaded where there is one: it brings NATS.
  const { examineBroker, readBrokerAccess } = await import('../commands/fleet/library.ts');
  try {
    const access = readBrokerAccess({ role, env, cwd, ...around });
    return await examineBroker(access, { signal, nowMs: Date.now() });
  } catch (error) {
    signal.throwIfAborted();
    return [{ name: 'broker', ok: false, detail: (error as Error).message, fix: 'correct it, then call again' }];
  }
}
