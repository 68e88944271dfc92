import { isToken } from '../scalar/words.ts';

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
      readonly kind: 'notification_acked' | 'notification_unacked' | 'notification_toasted';
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
/** Where a machine with a token asks to be enrolled. */
export const enrolSubject = 'enrol.request';
/** Stands in the tags of credentials that a machine was enrolled with: then their name is that of the machine. */
export const enrolledTag = 'kanade:enrolled';

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
    case 'notification_toasted':
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

/** Every kill, heartbeat, load and result, as filters; the ids in them may hold dots. */
export const anyKill = 'kill.>';
export const anyHeartbeat = 'heartbeat.>';
export const anyHostPerf = 'host_perf.>';
export const anyProcessPerf = 'process_perf.>';
export const anyResult = 'results.>';

/** Every subject on which people at a machine are told something. */
export const notificationFilters = (pc: string, groups: readonly string[]): string[] => {
  const targets: Target[] = [{ kind: 'all' }, { kind: 'pc', pc }];
  return [...targets, ...groups.map((group) => ({ kind: 'group', group }) as const)].map(notificationSubject);
};
/** Where something is told to the people at a target. */
export const notificationSubject = (target: Target): string => targetSubject('notifications', target);

export const killSubject = (execId: string): string => `kill.${checked('exec id', execId)}`;
export const resultSubject = (requestId: string): string => `results.${checked('request id', requestId)}`;
export const startedSubject = (execId: string, pc: string): string =>
  `events.started.${checked('exec id', execId)}.${checked('pc id', pc)}`;
/** Every start of a run, as a filter. */
export const anyStart = 'events.started.>';
/** Every start of a run of one order, as a filter. */
export const startsOf = (execId: string): string => `events.started.${checked('exec id', execId)}.>`;
/** Where an operator's doing is recorded: what was done (`exec`, `job.put`), and to what, where there is an id for it. */
export const auditSubject = (action: string, about?: string): string =>
  `audit.operator.${checked('action', action)}${about === undefined ? '' : `.${checked('id', about)}`}`;
export const heartbeatSubject = (pc: string): string => pcSubject('heartbeat', pc);
/** Where a machine tells its load, and its busiest processes. */
export const hostPerfSubject = (pc: string): string => pcSubject('host_perf', pc);
export const processPerfSubject = (pc: string): string => pcSubject('process_perf', pc);
/** Where what happened on a machine is told. */
export const obsSubject = (pc: string): string => pcSubject('obs', pc);
export const pingSubject = (pc: string): string => pcSubject('ping', pc);
/** Where a machine is asked what a run prints, and for the log of its agent. */
export const tailSubject = (pc: string): string => pcSubject('job_tail', pc);
export const logsSubject = (pc: string): string => pcSubject('logs_fetch', pc);

/** A subject that holds one machine id, such as `obs.<pc_id>`. */
export function pcSubject(kind: PcSubject, pc: string): string {
  const [before, after] = pcSubjects[kind];
  return `${before}${checked('pc id', pc)}${after}`;
}

type Told = Address & { kind: `notification_${(typeof tellings)[number]}` };

function readSubject({ kind, pcId, sid, notificationId }: Told): string {
  const ids = `${checked('pc id', pcId)}.${checked('user id', sid)}`;
  const verb = kind.slice('notification_'.length);
  return `events.notifications.${verb}.${ids}.${checked('notification id', notificationId)}`;
}

/** What machines tell of a notification. */
const tellings = ['acked', 'unacked', 'toasted'] as const;

/** Parts that the name of a machine has at most where a filter names the notification alone. */
const pcPartsMax = 4;

/**
 * Filters that together match every subject `<prefix>.<pc_id>.<sid>.<notification_id>` of one notification, none of them twice, and little
 * else: a machine's name may hold dots, and a filter has no wildcard for several parts in its middle. The last matches whatever is told of
 * machines with longer names.
 */
export function filtersOfNotification(prefix: string, notificationId: string): string[] {
  const id = checked('notification id', notificationId);
  const named = Array.from({ length: pcPartsMax }, (_, parts) => `${prefix}.${'*.'.repeat(parts + 2)}${id}`);
  return [...named, `${prefix}.${'*.'.repeat(pcPartsMax + 1 + id.split('.').length)}>`];
}

/** Machine and user in `<pc_id>.<sid>.<notification_id>`; undefined when it is about another notification. */
export function readerIn(key: string, notificationId: string): { pcId: string; sid: string } | undefined {
  if (!key.endsWith(`.${notificationId}`)) return undefined;
  const tokens = key.slice(0, -notificationId.length - 1).split('.');
  const sid = tokens.pop() ?? '';
  return tokens.length > 0 && userKey.test(sid) ? { pcId: tokens.join('.'), sid } : undefined;
}

/** Below it machines tell what became of notifications on desktops. */
export const toastedPrefix = 'events.notifications.toasted';

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

/** A Windows SID or our Unix user key: the one id of an acknowledgement that never holds a dot. */
const userKey = /^(S-1-\d+(-\d+)*|uid-\d+|nobody)$/;

/** Stands for the user where nobody was there. */
export const nobodyKey = 'nobody';

/**
 * What a subject names; undefined for one that is not ours or holds an id that may not stand there. Ids may hold dots,
 * which NATS takes as separators, so each subject is read from its known ends: a machine id takes what is left. Where two
 * open-ended ids meet (`commands.pc.<pc>.<job>`, `events.started.<exec>.<pc>`), the first is one token.
 */
export function parseSubject(subject: string): Address | undefined {
  if (subject === amendmentSubject) return { kind: 'notification_amendment' };
  const [head = '', ...rest] = subject.split('.');
  const tail = rest.join('.');
  if (!isToken(tail)) return undefined;
  switch (head) {
    case 'commands':
      return commandAddress(rest);
    case 'notifications': {
      const target = targetOf(rest[0], rest.slice(1).join('.'));
      return target && { kind: 'notification', target };
    }
    case 'kill':
      return { kind: 'kill', execId: tail };
    case 'results':
      return { kind: 'result', requestId: tail };
    case 'events':
      return eventAddress(rest);
    case 'inventory':
      return inventoryAddress(rest);
    case 'audit':
      return { kind: 'audit', action: tail };
    default:
      return sessionAddress(head, rest) ?? pcAddress(subject);
  }
}

function commandAddress(tokens: readonly string[]): Address | undefined {
  const [kind, ...ids] = tokens;
  const taken = kind === 'all' ? 0 : 1;
  const target = targetOf(kind, ids.slice(0, taken).join('.'));
  const jobId = ids.slice(taken).join('.');
  return target && { kind: 'command', target, ...(jobId === '' ? {} : { jobId }) };
}

function targetOf(kind: string | undefined, id: string): Target | undefined {
  if (kind === 'all') return id === '' ? { kind } : undefined;
  if (id === '') return undefined;
  if (kind === 'group') return { kind, group: id };
  return kind === 'pc' ? { kind, pc: id } : undefined;
}

function eventAddress([kind, ...ids]: readonly string[]): Address | undefined {
  if (kind === 'started') {
    const [execId, ...pc] = ids;
    return execId && pc.length > 0 ? { kind: 'started', execId, pcId: pc.join('.') } : undefined;
  }
  const [verb, ...tokens] = ids;
  if (kind !== 'notifications' || !isTelling(verb)) return undefined;
  const at = tokens.length === 3 ? 1 : tokens.findIndex((token, index) => index > 0 && userKey.test(token));
  const sid = tokens[at];
  const notificationId = tokens.slice(at + 1).join('.');
  if (at < 1 || sid === undefined || notificationId === '') return undefined;
  return { kind: `notification_${verb}`, pcId: tokens.slice(0, at).join('.'), sid, notificationId };
}

const isTelling = (verb: string | undefined): verb is (typeof tellings)[number] =>
  tellings.some((known) => known === verb);

function inventoryAddress(tokens: readonly string[]): Address | undefined {
  const part = tokens.at(-1);
  const pcId = tokens.slice(0, -1).join('.');
  return pcId !== '' && (part === 'hw' || part === 'sw' || part === 'net')
    ? { kind: 'inventory', pcId, part }
    : undefined;
}

function sessionAddress(head: string, [kind, ...session]: readonly string[]): Address | undefined {
  if (head !== 'remote' || (kind !== 'input' && kind !== 'frame') || session.length === 0) return undefined;
  return { kind: `remote_${kind}`, sessionId: session.join('.') };
}

function pcAddress(subject: string): Address | undefined {
  for (const [kind, [before, after]] of Object.entries(pcSubjects)) {
    if (!subject.startsWith(before) || !subject.endsWith(after)) continue;
    const pcId = subject.slice(before.length, subject.length - after.length);
    if (isToken(pcId)) return { kind: kind as PcSubject, pcId };
  }
  return undefined;
}
