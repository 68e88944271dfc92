import type { OutputQuery } from '@kanade/shared/local';
import { expect, it } from 'vitest';
import { ApiError } from '../api/api.ts';
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

it('readWholeOutput() leaves requests for others, and waits where there are none left', async () => {
  const bytes = 40;
  let refusals = 3;
  const steps: string[] = [];
  const parts = await readWholeOutput(
    async ({ stream, from = 0 }) => {
      if (from === 2 && refusals-- > 0) throw new ApiError('too_many', 'later');
      steps.push('read');
      if (stream === 'stderr') return { text: '', from: 0, to: 0, total_bytes: 0, ended: true };
      return { text: 'x', from, to: from + 1, total_bytes: bytes, ended: true };
    },
    'r1',
    async () => void steps.push('wait'),
  );
  expect(parts.join('')).toBe('x'.repeat(bytes));
  const paced = Array.from({ length: 11 }, () => ['wait', 'read']).flat();
  expect(steps).toEqual(['read', 'read', 'wait', 'wait', 'wait', ...Array(28).fill('read'), ...paced]);
  const never = readWholeOutput(
    () => Promise.reject(new ApiError('too_many', 'later')),
    'r1',
    () => Promise.resolve(),
  );
  await expect(never).rejects.toMatchObject({ code: 'too_many' });
});
