/*
 * Facts of the local protocol that are not shapes: free of the schema library, so that a page and a hot path can have them alone
 * (`@kanade/shared/local-words`).
 */

/** The errors of the protocol: the kind on which peers switch, its number and its message on the wire. */
export const localErrors = {
  ParseError: { code: -32700, message: 'Parse error', when: 'not JSON' },
  InvalidRequest: { code: -32600, message: 'Invalid Request', when: 'bad envelope, or a method before the handshake' },
  MethodNotFound: { code: -32601, message: 'Method not found', when: 'unknown, or not built into this agent' },
  InvalidParams: { code: -32602, message: 'Invalid params', when: 'wrong shape or charset' },
  InternalError: { code: -32603, message: 'Internal error', when: 'broker failures and everything unexpected' },
  Unauthorized: { code: -32000, message: 'Unauthorized', when: 'not offered, revoked, not yours, wrong support code' },
  NotFound: { code: -32001, message: 'Not found', when: 'unknown job, subscription or notification' },
  AgentDisconnected: { code: -32002, message: 'Agent disconnected from broker', when: 'needs the broker' },
  RateLimit: { code: -32003, message: 'Rate limit exceeded', when: 'asked too often' },
  StaleProtocol: { code: -32004, message: 'Stale protocol version', when: 'no common protocol' },
  PayloadTooLarge: { code: -32005, message: 'Payload too large', when: 'a frame over the cap' },
  DeadlineExceeded: { code: -32006, message: 'Deadline exceeded', when: 'the agent gave the request up' },
  Cancelled: { code: -32007, message: 'Cancelled', when: 'the caller gave the request up' },
  Unknown: { code: -32099, message: 'Unknown error kind (newer peer)', when: 'the peer is newer than this table' },
} as const satisfies Record<string, { code: number; message: string; when: string }>;

/** What any method may answer. */
export const commonErrors = ['InvalidRequest', 'MethodNotFound', 'InvalidParams', 'InternalError'] as const;

/** The one protocol version there is so far. */
export const protocolVersions: readonly number[] = [1];

/** The highest version both sides know; undefined when there is none. */
export function commonProtocol(offered: readonly number[]): number | undefined {
  return protocolVersions.filter((version) => offered.includes(version)).sort((a, b) => b - a)[0];
}

/** Feature names of the handshake. The agent may offer more than was asked; both sides use what both named. */
export const localFeatures = ['push.notifications', 'push.jobs', 'push.state', 'support.diagnostics'] as const;
export type LocalFeature = (typeof localFeatures)[number];

/** What absent params and results mean; a writer leaves these out. */
export const localDefaults = {
  'system.log_tail': { params: { lines: 200 }, result: { truncated: false } },
  'notifications.list': { params: { filter: 'unread', limit: 50 } },
  'support.upload_diagnostics': { params: { summary: '' } },
  'maintenance.list': { params: { window_days: 7 } },
} as const;

/** Most that a list gives, whatever was asked for. */
export const localListMax = { logTailLines: 1000, notifications: 200, maintenanceDays: 30 } as const;

/** Statuses of a run that are written; one that a reader does not know reads as `unknown`. */
export const runStatuses = ['queued', 'running', 'completed', 'failed', 'killed'] as const;

/** Whether nothing more comes of a run in this status. */
export const isEnded = (status: (typeof runStatuses)[number] | 'unknown'): boolean =>
  status === 'completed' || status === 'failed' || status === 'killed';

/** Where the agent of the system keeps its runs and results. */
export const systemDataDir = '/var/lib/kanade';

/** The data directory of an agent that is told of none, by who runs it. */
export function agentDataDir(
  env: Readonly<Record<string, string | undefined>>,
  { isRoot, home }: { readonly isRoot: boolean; readonly home: string },
): string {
  if (env.KANADE_AGENT_DATA_DIR) return env.KANADE_AGENT_DATA_DIR;
  return isRoot ? systemDataDir : `${env.XDG_STATE_HOME || `${home}/.local/state`}/kanade/agent`;
}

/** The configuration file of an agent that is told of none. */
export function agentConfigFile(
  env: Readonly<Record<string, string | undefined>>,
  { isRoot, home }: { readonly isRoot: boolean; readonly home: string },
): string {
  return `${configDir(env, { isRoot, home })}/agent.toml`;
}

/** Where the file is that says how the broker is reached, for an agent or an operator that is told of none. */
export function connectionFile(
  role: 'agent' | 'operator',
  env: Readonly<Record<string, string | undefined>>,
  { isRoot, home }: { readonly isRoot: boolean; readonly home: string },
): string {
  if (env.KANADE_NATS_CONFIG) return env.KANADE_NATS_CONFIG;
  return `${configDir(env, { isRoot, home })}/${role}.yaml`;
}

const configDir = (
  env: Readonly<Record<string, string | undefined>>,
  { isRoot, home }: { readonly isRoot: boolean; readonly home: string },
): string => `${isRoot ? '/etc' : env.XDG_CONFIG_HOME || `${home}/.config`}/kanade`;

/** Names in the data directory of an agent: its state, the lock of whoever works on it, and its own log. */
export const agentFiles = {
  database: 'agent.db',
  lock: 'agent.lock',
  lockedOrders: 'orders-locked',
  log: 'agent.log',
} as const;

/** Where the agent of a system listens: a Unix socket, or on Windows a named pipe. */
export function localAddress(platform: string): string {
  if (platform === 'win32') return '\\\\.\\pipe\\kanade-agent';
  return platform === 'darwin' ? '/var/run/kanade/agent.sock' : '/run/kanade/agent.sock';
}
