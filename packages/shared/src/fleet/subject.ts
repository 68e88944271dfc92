import { isToken } from '../scalar/id.ts';

/** Who an order or a notification is for. */
export type Target =
  | { readonly kind: 'all' }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'pc'; readonly pc: string };

/** Every subject of the fleet, as what it names. `subjectOf` writes one, `parseSubject` reads one. */
export type Address =
  | { readonly kind: 'command'; readonly target: Target; readonly jobId?: string }
  | { readonly kind: 'notification'; readonly target: Target }
  | { readonly kind: 'notification_amendment' }
  | { readonly kind: 'kill'; readonly execId: string }
  | { readonly kind: 'result'; readonly requestId: string }
  | { readonly kind: 'started'; readonly execId: string; readonly pcId: string }
  | {
      readonly kind: 'notification_acked' | 'notification_unacked';
      readonly pcId: string;
      readonly sid: string;
      readonly notificationId: string;
    }
  | { readonly kind: PcSubject; readonly pcId: string }
  | { readonly kind: 'inventory'; readonly pcId: string; readonly part: InventoryPart }
  | { readonly kind: 'remote_input' | 'remote_frame'; readonly sessionId: string }
  | { readonly kind: 'audit'; readonly action: string };

export type PcSubject = keyof typeof pcSubjects;
export type InventoryPart = 'hw' | 'sw' | 'net';

/** Subjects that hold one machine id: what stands before and after it. */
export const pcSubjects = {
  heartbeat: ['heartbeat.', ''],
  host_perf: ['host_perf.', ''],
  process_perf: ['process_perf.', ''],
  obs: ['obs.', ''],
  ping: ['agents.', '.ping'],
  logs_fetch: ['logs.fetch.', ''],
  job_tail: ['job.tail.', ''],
  remote_control: ['remote.ctrl.', ''],
} as const;

export const amendmentSubject = 'notif-amend';

/** The subject of an address. Throws a RangeError for an id that would change the subject. */
export function subjectOf(address: Address): string {
  switch (address.kind) {
    case 'command':
      return commandSubject(address.target, address.jobId);
    case 'notification':
      return targetSubject('notifications', address.target);
    case 'notification_amendment':
      return amendmentSubject;
    case 'kill':
      return killSubject(address.execId);
    case 'result':
      return resultSubject(address.requestId);
    case 'started':
      return startedSubject(address.execId, address.pcId);
    case 'notification_acked':
    case 'notification_unacked':
      return readSubject(address);
    case 'inventory':
      return `inventory.${checked('pc id', address.pcId)}.${address.part}`;
    case 'remote_input':
    case 'remote_frame':
      return `${address.kind.replace('_', '.')}.${checked('session id', address.sessionId)}`;
    case 'audit':
      return `audit.${checked('audit action', address.action)}`;
    default:
      return pcSubject(address.kind, address.pcId);
  }
}

/** Where orders for a target go. With a job id the subject keeps the newest order of *each* job for an offline machine. */
export function commandSubject(target: Target, jobId?: string): string {
  const base = targetSubject('commands', target);
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
export const heartbeatSubject = (pc: string): string => pcSubject('heartbeat', pc);
export const pingSubject = (pc: string): string => pcSubject('ping', pc);

/** A subject that holds one machine id, such as `obs.<pc_id>`. */
export function pcSubject(kind: PcSubject, pc: string): string {
  const [before, after] = pcSubjects[kind];
  return `${before}${checked('pc id', pc)}${after}`;
}

function readSubject(address: Address & { kind: 'notification_acked' | 'notification_unacked' }): string {
  const ids = `${checked('pc id', address.pcId)}.${checked('user id', address.sid)}`;
  const verb = address.kind === 'notification_acked' ? 'acked' : 'unacked';
  return `events.notifications.${verb}.${ids}.${checked('notification id', address.notificationId)}`;
}

function targetSubject(root: 'commands' | 'notifications', target: Target): string {
  switch (target.kind) {
    case 'all':
      return `${root}.all`;
    case 'group':
      return `${root}.group.${checked('group', target.group)}`;
    case 'pc':
      return `${root}.pc.${checked('pc id', target.pc)}`;
  }
}

function checked(what: string, id: string): string {
  if (!isToken(id)) throw new RangeError(`${what} cannot become part of a subject: ${JSON.stringify(id)}`);
  return id;
}
