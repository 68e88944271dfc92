import { seeded } from '@kanade/testkit';
import { expect, it } from 'vitest';
import type { JobError } from '../job-error.ts';
import { cutCharacterBytes, formatCursor, parseCursor } from './cursor.ts';

const job = { id: '0123456789abcdef0123456789abcdef', path: '/nowhere' };
const positions = [
  { life: 0, stdout: 0, stderr: 0, changes: 0 },
  { life: 1_795_000_000_000, stdout: 36, stderr: Number.MAX_SAFE_INTEGER, changes: 2 },
];

it.each(positions)('parseCursor() gives back what formatCursor() wrote: %o', (position) => {
  expect(parseCursor(job, formatCursor(job, position))).toEqual(position);
});

it('a cursor is short, and fits into a shell and an address as it is', () => {
  const longest = formatCursor(job, { life: 8.64e15, stdout: 2 ** 53 - 1, stderr: 2 ** 53 - 1, changes: 2 });
  expect(longest).toMatch(/^[\w.-]{1,64}$/);
});

const good = formatCursor(job, { life: 5, stdout: 6, stderr: 7, changes: 1 });

it.each([
  ['', 'none'],
  ['x', 'none'],
  ['k2.89abcdef.0.0.0.0', 'another version or damaged'],
  [`${good}.0`, 'damaged'],
  [`${good}\n`, 'damaged'],
  [` ${good}`, 'none'],
  [good.replace('.6.', '.-6.'), 'damaged'],
  [good.replace('.6.', '.06.'), 'damaged'],
  [good.replace('.6.', '.6e9!.'), 'damaged'],
  [good.replace('.6.', '.zzzzzzzzzzz.'), 'damaged'],
  [good.replace('.6.', '.NaN.'), 'damaged'],
  [good.replace(/1$/, '3'), 'damaged'],
  [good.toUpperCase(), 'none'],
  [good.replace('89abcdef', '00000000'), 'of another job'],
  [`k1.${'9'.repeat(1e6)}`, 'damaged'],
  ['k1.../../etc.0.0.0.0', 'damaged'],
  ['\u0000', 'none'],
])('parseCursor() refuses %j with a code, and says what to do', (text, why) => {
  const refused = (): unknown => {
    try {
      return parseCursor(job, text);
    } catch (error) {
      return { code: (error as JobError).code, message: (error as JobError).message };
    }
  };
  expect(refused()).toEqual({ code: 'invalid_cursor', message: expect.stringContaining(why) });
  expect(refused()).toEqual({ code: 'invalid_cursor', message: expect.stringContaining('give the one of the last') });
});

const text = 'aé€😀\u0000ÿ';
const whole = Buffer.from(text);

it('cutCharacterBytes() leaves whole characters, wherever a text is cut', () => {
  for (let end = 0; end <= whole.length; end++) {
    const part = whole.subarray(0, end);
    const kept = part.subarray(0, part.length - cutCharacterBytes(part));
    expect(text.startsWith(kept.toString('utf8'))).toBe(true);
    expect(end - kept.length).toBeLessThan(4);
  }
});

it('cutCharacterBytes() makes no difference to bytes that are no text', () => {
  const random = seeded(7);
  const next = (): number => Math.floor(random() * 256);
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(Array.from({ length: 12 }, () => (next() % 2 ? next() : 0x80 + (next() % 128))));
    const cutAt = next() % 12;
    const first = cutAt - cutCharacterBytes(bytes.subarray(0, cutAt));
    const parts = bytes.subarray(0, first).toString('utf8') + bytes.subarray(first).toString('utf8');
    expect(parts).toBe(bytes.toString('utf8'));
  }
});
