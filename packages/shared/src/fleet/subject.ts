import { isToken } from '../scalar/id.ts';

/** Who an order is for. */
export type Target =
  | { readonly kind: 'all' }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'pc'; readonly pc: string };

/** The JetStream streams, named as on the wire. */
export const streams = {
  exec: 'EXEC',
  results: 'RESULTS',
  events: 'EVENTS',
} as const;

/** The KV buckets, named as on the wire. */
export const buckets = {
  jobs: 'jobs',
  jobsYaml: 'jobs_yaml',
  scriptCurrent: 'script_current',
  scriptStatus: 'script_status',
  agentGroups: 'agent_groups',
} as const;

/** The object stores, named as on the wire. */
export const objectStores = {
  resultOutput: 'result_output',
} as const;

/** Inline threshold of a result, in bytes per stream: both streams plus JSON stay below the 1 MiB NATS payload. */
export const resultInlineBytesMax = 262_144;

function checked(what: string, id: string): string {
  if (!isToken(id)) throw new RangeError(`${what} cannot become part of a subject: ${JSON.stringify(id)}`);
  return id;
}

/** Where orders for a target go. With a job id the subject keeps the newest order of *each* job for an offline machine. */
export function commandSubject(target: Target, jobId?: string): string {
  const base =
    target.kind === 'all'
      ? 'commands.all'
      : target.kind === 'group'
        ? `commands.group.${checked('group', target.group)}`
        : `commands.pc.${checked('pc id', target.pc)}`;
  return jobId === undefined ? base : `${base}.${checked('job id', jobId)}`;
}

/** Every subject on which a machine gets orders: the ancestor's three-token subjects and ours with a job behind them. */
export function commandFilters(pc: string, groups: readonly string[]): string[] {
  const targets: Target[] = [
    { kind: 'all' },
    { kind: 'pc', pc },
    ...groups.map((group) => ({ kind: 'group', group }) as const),
  ];
  return targets.flatMap((target) => [commandSubject(target), `${commandSubject(target)}.>`]);
}

export const killSubject = (execId: string): string => `kill.${checked('exec id', execId)}`;
export const resultSubject = (requestId: string): string => `results.${checked('request id', requestId)}`;
export const startedSubject = (execId: string, pc: string): string =>
  `events.started.${checked('exec id', execId)}.${checked('pc id', pc)}`;
export const heartbeatSubject = (pc: string): string => `heartbeat.${checked('pc id', pc)}`;
export const pingSubject = (pc: string): string => `agents.${checked('pc id', pc)}.ping`;
