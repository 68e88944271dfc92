import { expect, it } from 'vitest';
import { matchesLine } from './match.ts';

const config = { pattern: 'a.c', match_type: 'contains', stream: 'either' } as const;

it.each([
  ['contains, literally', config, 'xa.cx', true],
  ['contains is no expression', config, 'abc', false],
  ['contains minds the case', config, 'A.C', false],
  ['regex, anywhere', { ...config, match_type: 'regex' }, 'xabcx', true],
  ['regex with an anchor', { ...config, match_type: 'regex', pattern: '^abc$' }, 'xabc', false],
  ['a broken regex never matches', { ...config, match_type: 'regex', pattern: '(' }, '(', false],
  ['another stream', { ...config, stream: 'stderr' }, 'a.c', false],
] as const)('matchesLine(): %s', (_name, match, line, expected) => {
  expect(matchesLine(match, 'stdout', line)).toBe(expected);
});
