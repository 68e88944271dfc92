import { expect, it } from 'vitest';
import { likely } from './likely.ts';

const commands = [
  'run',
  'create',
  'start',
  'restart',
  'status',
  'wait',
  'watch',
  'tail',
  'kill',
  'list',
  'ps',
  'help',
  'fleet',
];
const options = ['--timeout', '--tag', '--until', '--env', '--env-file', '--yaml'];

it.each([
  ['rnu', commands, ['run']],
  ['stauts', commands, ['status']],
  ['STATUS', commands, ['status']],
  ['wiat', commands, ['wait']],
  ['lst', commands, ['list']],
  ['flet', commands, ['fleet']],
  ['x', commands, []],
  ['deploy', commands, []],
  ['--tmeout', options, ['--timeout']],
  ['--yml', options, ['--yaml']],
  ['--colour', options, []],
])('likely words for %s', (typed, known, expected) => {
  expect(likely(typed, known)).toEqual(expected);
});
