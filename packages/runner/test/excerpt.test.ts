import { truncateSync, writeFileSync } from 'node:fs';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { readFrom, readTail } from '../src/output/excerpt.ts';

it.each([
  ['last two of three', 'a\nb\nc\n', 100, 2, 'b\nc\n', [2, 6]],
  ['no trailing newline', 'a\nb\nc', 100, 2, 'b\nc', [2, 5]],
  ['more lines than there are', 'a\nb\n', 100, 9, 'a\nb\n', [0, 4]],
  ['no line limit', 'a\nb\n', 100, 0, 'a\nb\n', [0, 4]],
  ['a line cut by the window counts', 'aaaa\nbbbb\n', 7, 5, 'a\nbbbb\n'.slice(0, 7), [3, 10]],
  ['empty lines', '\n\n\n', 100, 2, '\n\n', [1, 3]],
  ['empty file', '', 100, 5, '', [0, 0]],
])('readTail(): %s', async (_name, content, bytesMax, lines, text, range) => {
  await using dir = await tempDir();
  const path = `${dir.path}/log`;
  writeFileSync(path, content);
  expect(readTail(path, bytesMax, lines)).toEqual({ text, range, totalBytes: content.length });
});

it('reads parts of a log of 5 GB', async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/log`;
  writeFileSync(path, 'head\n');
  truncateSync(path, 5e9);
  expect(readFrom(path, 0, 5)).toEqual({ text: 'head\n', range: [0, 5], totalBytes: 5e9 });
  expect(readTail(path, 3, 0).range).toEqual([5e9 - 3, 5e9]);
  expect(readFrom(path, 5e9 - 2, 100).range).toEqual([5e9 - 2, 5e9]);
});

it('a missing log reads as empty', () => {
  expect(readFrom('/nowhere/log', 0, 10)).toEqual({ text: '', range: [0, 0], totalBytes: 0 });
});

it('a character that the limit cuts becomes a replacement character', async () => {
  await using dir = await tempDir();
  writeFileSync(`${dir.path}/log`, 'añ');
  expect(readFrom(`${dir.path}/log`, 0, 2).text).toBe('a\uFFFD');
});
