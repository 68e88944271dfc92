import { isToken } from '../scalar/id.ts';
import { type Address, amendmentSubject, type PcSubject, pcSubjects, type Target } from './subject.ts';

/** A Windows SID or our Unix user key: the one id of an acknowledgement that never holds a dot. */
const userKey = /^(S-1-\d+(-\d+)*|uid-\d+)$/;

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
  if (kind !== 'notifications' || (verb !== 'acked' && verb !== 'unacked')) return undefined;
  const at = tokens.length === 3 ? 1 : tokens.findIndex((token, index) => index > 0 && userKey.test(token));
  const sid = tokens[at];
  const notificationId = tokens.slice(at + 1).join('.');
  if (at < 1 || sid === undefined || notificationId === '') return undefined;
  return { kind: `notification_${verb}`, pcId: tokens.slice(0, at).join('.'), sid, notificationId };
}

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
