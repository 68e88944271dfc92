import { expect, it } from 'vitest';
import { commandFilters, commandSubject, killSubject } from './subject.ts';

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
