import type { OutputQuery } from '@kanade/shared/local';
import { expect, it } from 'vitest';
import { readWholeOutput } from './whole-output.ts';

it('readWholeOutput() reads both streams to the end that the first answer saw', async () => {
  const asked: OutputQuery[] = [];
  const text = { stdout: 'abcdefgh', stderr: '' };
  const parts = await readWholeOutput(async (query) => {
    asked.push(query);
    const { stream, from = 0 } = query;
    const to = Math.min(from + 3, text[stream].length);
    // It goes on printing while it is read.
    const total_bytes = text[stream].length + (from === 0 ? 0 : 100);
    return { text: text[stream].slice(from, to), from, to, total_bytes, ended: false };
  }, 'r1');
  expect(parts.join('')).toBe('abcdefgh');
  expect(asked.map(({ stream, from }) => `${stream} ${from}`)).toEqual([
    'stdout 0',
    'stdout 3',
    'stdout 6',
    'stderr 0',
  ]);
});
