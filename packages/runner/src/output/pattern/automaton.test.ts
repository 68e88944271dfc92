import { seeded } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { createAutomaton } from './automaton.ts';
import { PatternError, parsePattern } from './parse.ts';
import { compilePattern } from './program.ts';

function matcher(pattern: string): (line: string) => boolean {
  const automaton = createAutomaton(compilePattern(parsePattern(pattern)));
  return (line) => {
    const run = automaton.begin();
    return run.feed(line) || run.end();
  };
}

const lines = [
  '',
  'a',
  'ab',
  'abc',
  'aabbcc',
  'A1 b',
  ' é ',
  '😀',
  'listening on http://127.0.0.1:3000/',
  'a-b_c',
  '\\',
  '[x]',
];

it.each([
  '',
  'a',
  '^a',
  'a$',
  '^$',
  '^a$',
  'a|b',
  '^(?:a|bc)+$',
  'a*',
  '^a*b?$',
  'a{2}',
  '^a{1,2}b',
  'a{2,}',
  '(a*)*b',
  '(a|a)*$',
  '(?:)',
  '.',
  '^.$',
  '^..$',
  '[a-c]',
  '[^a-c]',
  '[\\]x]',
  '\\[x\\]',
  '\\\\',
  '\\d+',
  '\\D',
  '\\w+\\s\\w',
  '\\bb\\b',
  'a\\Bb',
  '\\b',
  '^\\p{L}+$',
  '\\u0061',
  '\\x61',
  '\\u{1F600}',
  '\\ud83d\\ude00',
  '[😀]',
  'listening on .*:(\\d{2,5})/',
  '(?<port>\\d+)',
  'a+?',
  'a??b',
  'x{0}',
  '$^',
  '(^|b)c',
  '(a|b|)$',
  '[\\s\\S]{3}',
  '\\/',
  'a.{0,5}c',
  '-',
  'é',
])('is of the opinion of the language: %s', (pattern) => {
  const native = new RegExp(pattern, 'u');
  const matches = matcher(pattern);
  for (const line of lines) expect([line, matches(line)]).toEqual([line, native.test(line)]);
});

/** An expression over a small alphabet, of whatever form. */
function randomPattern(random: () => number, depth: number): string {
  const pick = (items: readonly string[]): string => items[Math.floor(random() * items.length)] ?? '';
  if (depth === 0) return pick(['a', 'b', 'c', '.', '[ab]', '[^a]', '\\w', '\\W', '^', '$', '\\b', '\\B', ' ', '']);
  const inner = (): string => randomPattern(random, depth - 1);
  switch (Math.floor(random() * 5)) {
    case 0:
      return `${inner()}|${inner()}`;
    case 1:
      return `(${inner()})${pick(['*', '+', '?', '{2}', '{0,2}', '{1,}', '*?'])}`;
    default:
      return `${inner()}${inner()}`;
  }
}

it('is of the opinion of the language on 1,000 expressions that nobody wrote', () => {
  const random = seeded(16);
  const alphabet = 'abc -';
  for (let round = 0; round < 1_000; round++) {
    const pattern = randomPattern(random, 4);
    const [matches, native] = [matcher(pattern), new RegExp(pattern, 'u')];
    for (let count = 0; count < 6; count++) {
      const length = Math.floor(random() * 7);
      const line = Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join('');
      expect([pattern, line, matches(line)]).toEqual([pattern, line, native.test(line)]);
    }
  }
});

it('takes what other dialects write', () => {
  expect(matcher('(?i)ready')('is READY now')).toBe(true);
  expect(matcher('\\Aa\\z')('a')).toBe(true);
  expect(matcher('\\Aa\\z')('ab')).toBe(false);
  expect(matcher('a\\-b')('a-b')).toBe(true);
});

it.each([
  ['(?is)^rea.y$', 'READY', 'READ'],
  ['(?P<year>\\d{4})-', '2026-', '26-'],
  ['^\\pL+$', 'é', '1'],
  ['^\\PL+$', '1', 'é'],
  ['^[\\pL\\x{2d}_]+$', 'é-_', 'é '],
  ['^\\x{1F600}$', '😀', 'x'],
  ['^[[:alpha:]_]+$', 'a_B', 'a1'],
  ['^[^[:space:]]$', 'x', ' '],
  ['^[[:digit:][:upper:]]{2}$', 'A1', 'a1'],
  ['^[[:punct:]]+$', '[/`{~!', '[a'],
  ['^\\"\\_\\ \\:\\pL$', '"_ :é', '"_ :1'],
  ['\\[[:alpha:]', '[a', 'z'],
  ['\\\\pL', '\\pL', 'é'],
  ['[\\w-.]', '-', '!'],
])('takes what other dialects write: %s', (pattern, matching, other) => {
  expect([matcher(pattern)(matching), matcher(pattern)(other)]).toEqual([true, false]);
});

it.each([
  ['(a', 'Unterminated group'],
  ['a)', 'Unmatched'],
  ['[a', 'Unterminated character class'],
  ['*', 'Nothing to repeat'],
  ['(a)\\1', 'back reference'],
  ['(?<n>a)\\k<n>', 'back reference'],
  ['a(?=b)', 'look-around'],
  ['(?<!a)b', 'look-around'],
  ['(?:a{1000}){1000}', 'too large'],
  ['[[:vowel:]]', 'no class here'],
  ['(?x)a', 'Invalid group'],
  ['a(?i)b', 'Invalid group'],
  ['(?i:a)b', 'flags'],
  ['\\<a\\>', 'Invalid escape'],
  ['\\p{Vowel}\\_', 'Invalid property name'],
  ['a'.repeat(1_001), '1001 characters'],
])('refuses %.30s with the reason', (pattern, why) => {
  expect(() => matcher(pattern)).toThrow(PatternError);
  expect(() => matcher(pattern)).toThrow(why);
});

it('looks at each character once, however the language would search', () => {
  let steps = 0;
  const counted = compilePattern(parsePattern('^(a+)+$')).map((instruction) =>
    instruction.kind === 'take'
      ? {
          ...instruction,
          takes: (character: string) => {
            steps++;
            return instruction.takes(character);
          },
        }
      : instruction,
  );
  const run = createAutomaton(counted).begin();
  expect(run.feed(`${'a'.repeat(50_000)}!`) || run.end()).toBe(false);
  expect(steps).toBeLessThan(100);
});

it('forgets its states when there are too many, and is right all the same', () => {
  const matches = matcher('^(?:a|b)*a(?:a|b){12}$');
  const random = seeded(3);
  for (let round = 0; round < 200; round++) {
    const line = Array.from({ length: 400 }, () => (random() < 0.5 ? 'a' : 'b')).join('');
    expect(matches(line)).toBe(line.at(-13) === 'a');
  }
});
