import { describe, expect, it } from 'vitest';
import { matchesPart, nameInArchive, parsePathPattern } from './path-pattern.ts';

const env = { HOME: '/home/a', LOGS: '/var/log', APP: 'x' };

describe('parsePathPattern()', () => {
  it.each([
    ['/a/b', { root: '/a/b', parts: [] }],
    ['/a//./b/', { root: '/a/b', parts: [] }],
    ['/a/*.log', { root: '/a', parts: ['*.log'] }],
    ['/a/**/b?/c', { root: '/a', parts: ['**', 'b?', 'c'] }],
    ['/', { root: '/', parts: [] }],
    ['~/a', { root: '/home/a/a', parts: [] }],
    ['$LOGS/$APP/*', { root: '/var/log/x', parts: ['*'] }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the environment
    ['${LOGS}/a', { root: '/var/log/a', parts: [] }],
    ['%LOGS%/a', { root: '/var/log/a', parts: [] }],
    ['$NONE/a', { fault: 'no variable NONE' }],
    ['$constructor/a', { fault: 'no variable constructor' }],
    ['a/b', { fault: 'not absolute' }],
    ['C:\\a', { fault: 'not absolute' }],
    ['/a/../etc/shadow', { fault: '.. is not followed' }],
    ['/a/\0b', { fault: 'no path' }],
  ])('%j', (text, pattern) => {
    expect(parsePathPattern(text, env)).toEqual(pattern);
  });
});

describe('matchesPart()', () => {
  it.each([
    ['*', 'a', true],
    ['*', '.a', false],
    ['.*', '.a', true],
    ['*.log', 'a.log', true],
    ['*.log', 'a.log.1', false],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYbZ', false],
    ['?', '😀', true],
    ['a?', 'a', false],
    ['[ab]x', 'bx', true],
    ['[!ab]x', 'bx', false],
    ['[a-c]x', 'bx', true],
    ['[]]', ']', true],
    ['[', '[', true],
    ['**', 'ab', true],
  ])('%s on %s', (part, name, matches) => {
    expect(matchesPart(part, name)).toBe(matches);
  });

  it('is done soon with a pattern that makes others try everything', () => {
    expect(matchesPart(`${'*a'.repeat(100)}b`, 'a'.repeat(255))).toBe(false);
  });
});

it.each([
  ['/var/log/a', 'var/log/a'],
  ['/a\\..\\b', 'a_.._b'],
  ['/C:/x\n', 'C_/x_'],
])('nameInArchive(%j)', (path, name) => {
  expect(nameInArchive(path)).toBe(name);
});
