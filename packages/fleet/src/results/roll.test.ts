import { expect, it } from 'vitest';
import { createRoll, type Roll } from './roll.ts';

const steps: Record<string, (roll: Roll) => void> = {
  known: (roll) => roll.known(),
  'a online': (roll) => roll.note('a', 'online'),
  'a away': (roll) => roll.note('a', 'away'),
  'b online': (roll) => roll.note('b', 'online'),
  'b away': (roll) => roll.note('b', 'away'),
  'a answers': (roll) => roll.answered('a'),
  'b answers': (roll) => roll.answered('b'),
  'c answers': (roll) => roll.answered('c'),
};

it.each<[string, { named?: string[]; isOpen?: boolean }, string[], boolean, string[]]>([
  ['a named machine is waited for', { named: ['a'] }, [], false, ['a unknown']],
  ['also while it is away', { named: ['a'] }, ['a away'], false, ['a away']],
  ['until it answers', { named: ['a'] }, ['a away', 'a answers'], true, []],
  ['all that are named', { named: ['a', 'b'] }, ['a answers'], false, ['b unknown']],
  ['a group is not known before all of it is', { isOpen: true }, ['a online', 'a answers'], false, []],
  [
    'of a group those that are online',
    { isOpen: true },
    ['a online', 'b away', 'known'],
    false,
    ['a online', 'b away'],
  ],
  ['and no others', { isOpen: true }, ['a online', 'b away', 'known', 'a answers'], true, ['b away']],
  ['nobody of a group is online', { isOpen: true }, ['b away', 'known'], true, ['b away']],
  ['answers of others are none of theirs', { isOpen: true }, ['a online', 'known', 'c answers'], false, ['a online']],
  ['a machine that went away after it was found', { isOpen: true }, ['a online', 'known', 'a away'], false, ['a away']],
  ['a group and a named machine', { named: ['b'], isOpen: true }, ['b away', 'known'], false, ['b away']],
])('createRoll: %s', (_, { named = [], isOpen = false }, events, isOver, missing) => {
  const roll = createRoll(named, { isOpen });
  for (const event of events) steps[event]?.(roll);
  expect([roll.isOver(), roll.missing().map(({ pc_id, state }) => `${pc_id} ${state}`)]).toEqual([isOver, missing]);
});

it('createRoll counts each machine once', () => {
  const roll = createRoll(['a'], { isOpen: true });
  for (const event of ['a online', 'b away', 'a answers', 'a answers', 'c answers']) steps[event]?.(roll);
  expect(roll.counts()).toEqual({ answered: 2, expected: 3, away: 1 });
});
