import { describe, expect, it } from 'vitest';
import {
  commandFilters,
  commandSubject,
  filtersOfNotification,
  killSubject,
  parseSubject,
  readerIn,
  subjectOf,
} from './subject.ts';

it('commandSubject() names the target, and the job behind it', () => {
  expect(commandSubject({ kind: 'all' })).toBe('commands.all');
  expect(commandSubject({ kind: 'group', group: 'lab' }, 'disk-report')).toBe('commands.group.lab.disk-report');
  expect(commandSubject({ kind: 'pc', pc: 'pc-1' }, 'disk-report')).toBe('commands.pc.pc-1.disk-report');
});

it('commandFilters() take the ancestor’s subjects and ours', () => {
  expect(commandFilters('pc-1', ['lab'])).toEqual([
    'commands.all',
    'commands.all.>',
    'commands.pc.pc-1',
    'commands.pc.pc-1.>',
    'commands.group.lab',
    'commands.group.lab.>',
  ]);
});

it.each(['', '*', 'a b', 'a.>', '..', '.a', 'a.', 'ü', 'x'.repeat(129)])(
  'an id that would change the subject is refused: %j',
  (id) => {
    expect(() => killSubject(id)).toThrow(RangeError);
  },
);

it.each([
  ['commands.all', { kind: 'command', target: { kind: 'all' } }],
  ['commands.all.disk-report', { kind: 'command', target: { kind: 'all' }, jobId: 'disk-report' }],
  ['commands.group.lab', { kind: 'command', target: { kind: 'group', group: 'lab' } }],
  ['commands.pc.PC-0042.a.b', { kind: 'command', target: { kind: 'pc', pc: 'PC-0042' }, jobId: 'a.b' }],
  ['notifications.pc.host.domain', { kind: 'notification', target: { kind: 'pc', pc: 'host.domain' } }],
  ['kill.e-1', { kind: 'kill', execId: 'e-1' }],
  ['results.r-1', { kind: 'result', requestId: 'r-1' }],
  ['events.started.e-1.host.domain', { kind: 'started', execId: 'e-1', pcId: 'host.domain' }],
  [
    'events.notifications.acked.PC-0042.S-1-5-21-1001.n-1',
    { kind: 'notification_acked', pcId: 'PC-0042', sid: 'S-1-5-21-1001', notificationId: 'n-1' },
  ],
  [
    'events.notifications.unacked.host.domain.uid-1000.n.1',
    { kind: 'notification_unacked', pcId: 'host.domain', sid: 'uid-1000', notificationId: 'n.1' },
  ],
  [
    'events.notifications.toasted.PC-0042.nobody.n-1',
    { kind: 'notification_toasted', pcId: 'PC-0042', sid: 'nobody', notificationId: 'n-1' },
  ],
  ['notif-amend', { kind: 'notification_amendment' }],
  ['heartbeat.PC-0042', { kind: 'heartbeat', pcId: 'PC-0042' }],
  ['agents.PC-0042.ping', { kind: 'ping', pcId: 'PC-0042' }],
  ['job.tail.PC-0042', { kind: 'job_tail', pcId: 'PC-0042' }],
  ['inventory.PC-0042.hw', { kind: 'inventory', pcId: 'PC-0042', part: 'hw' }],
  ['remote.frame.s-1', { kind: 'remote_frame', sessionId: 's-1' }],
  ['audit.operator.run.disk-report', { kind: 'audit', action: 'operator.run.disk-report' }],
])('parseSubject(%j)', (subject, address) => {
  expect(parseSubject(subject)).toEqual(address);
});

describe('filtersOfNotification()', () => {
  /** As a broker reads it. */
  const matches = (filter: string, subject: string): boolean => {
    const [wanted, given] = [filter.split('.'), subject.split('.')];
    const isOpen = wanted.at(-1) === '>';
    if (isOpen ? given.length < wanted.length : given.length !== wanted.length) return false;
    return wanted.every((token, at) => token === '>' || token === '*' || token === given[at]);
  };

  it.each(
    ['n', 'n.m', 'a.b.c.d.e.f'].flatMap((id) =>
      ['pc', 'a.pc', 'a.b.c.d', 'a.b.c.d.e', 'a.b.c.d.e.f.g.h'].map((pcId) => [id, pcId] as const),
    ),
  )('of %s takes what %s tells of it, once, and finds out who told', (notificationId, pcId) => {
    const subject = subjectOf({ kind: 'notification_toasted', pcId, sid: 'uid-1', notificationId });
    const prefix = 'events.notifications.toasted';
    const filters = filtersOfNotification(prefix, notificationId);
    expect(filters.filter((filter) => matches(filter, subject))).toHaveLength(1);
    expect(readerIn(subject.slice(prefix.length + 1), notificationId)).toEqual({ pcId, sid: 'uid-1' });
  });

  it('lets next to nothing of other notifications through, and readerIn() nothing at all', () => {
    const filters = filtersOfNotification('p', 'n');
    expect(filters.some((filter) => matches(filter, 'p.pc.uid-1.other'))).toBe(false);
    expect(filters.some((filter) => matches(filter, 'p.pc.uid-1.x.n'))).toBe(true);
    expect(readerIn('pc.uid-1.x.n', 'n')).toBeUndefined();
    expect(readerIn('uid-1.n', 'n')).toBeUndefined();
  });
});

it.each([
  ...['', 'commands', 'commands.pc', 'commands.room.x', 'commands.all.', 'commands.>', 'commands.pc.*', 'kill.a b'],
  ...['events.started.e-1', 'events.scripts.revoked.x', 'events.notifications.acked.a.b', 'inventory.PC.gpu'],
  ...[
    'notifications.all.more',
    'remote.sound.x',
    'agents..ping',
    'heartbeat.a..b',
    '_INBOX.x',
    'unknown.x',
    'results.ü',
  ],
])('parseSubject(%j) is none of ours', (subject) => {
  expect(parseSubject(subject)).toBeUndefined();
});
