import { describe, expect, it } from 'vitest';
import { csvOf } from './csv.ts';

describe('csvOf()', () => {
  it.each([
    ['a text', 'plain', 'plain'],
    ['a comma', 'a,b', '"a,b"'],
    ['quotes', 'say "hi"', '"say ""hi"""'],
    ['lines', 'a\nb\r\n', '"a\nb\r\n"'],
    ['nothing', undefined, ''],
    ['null', null, ''],
    ['a number', -1, '-1'],
    ['a truth', false, 'false'],
    ['a formula', '=1+1', "'=1+1"],
    ['a command', '@SUM(A1)', "'@SUM(A1)"],
    ['a signed text', '-1+cmd|calc', "'-1+cmd|calc"],
    ['a plus', '+1', "'+1"],
    ['a tab before a formula', '\t=1', "'\t=1"],
    ['a line before a formula', '\r=1,2', '"\'\r=1,2"'],
  ])('writes %s', (_, value, cell) => {
    expect(csvOf(['head'], [{ head: value }])).toBe(`head\r\n${cell}\r\n`);
  });

  it('writes the head alone without rows, and a cell for each column', () => {
    expect(csvOf(['a', 'b'], [])).toBe('a,b\r\n');
    expect(csvOf(['a', 'b'], [{ b: 1, c: 2 }])).toBe('a,b\r\n,1\r\n');
  });
});
