import { commandFilters } from '@kanade/shared/fleet';
import { describe, expect, it } from 'vitest';
import { isAddressed } from './admit.ts';

describe('isAddressed()', () => {
  const filters = commandFilters('a', ['lab']);
  it.each([
    ['commands.pc.a', 'job', true],
    ['commands.pc.a.job', 'job', true],
    ['commands.pc.a.disk.report', 'disk.report', true],
    ['commands.all.job', 'job', true],
    ['commands.group.lab', 'job', true],
    ['commands.pc.a.b', 'job', false],
    ['commands.pc.a.b.job', 'job', false],
    ['commands.group.other.job', 'job', false],
    ['commands.pc.ab.job', 'job', false],
  ])('%s with job %s: %s', (subject, job, expected) => {
    expect(isAddressed(subject, job, filters)).toBe(expected);
  });
});
