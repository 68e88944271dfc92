import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { dayOf, dropOld } from '../src/config/log-days.ts';
import { createLogFile } from '../src/config/log-file.ts';
import { limits } from '../src/limits.ts';

const plenty = 1024 * 1024;
/** A line of exactly so many bytes. */
const lineOf = (name: string, bytes: number): string => `${name.padEnd(bytes - 1, '.')}\n`;

describe('the log of an agent', () => {
  it('keeps two files of a bounded size, for its owner alone, and all lines go where they went before', async () => {
    await using dir = await tempDir();
    const path = join(dir.path, 'agent.log');
    let written = 0;
    const log = createLogFile((line) => {
      written += line.length;
    });
    log.write('early\n');
    using _ = log.keepIn(path);
    const half = limits.logFileBytesMax / 2;
    for (const name of ['a', 'b', 'c', 'd', 'e']) log.write(lineOf(name, half));
    expect(written).toBe(6 + 5 * half);
    expect([statSync(path).size, statSync(`${path}.1`).size]).toEqual([half, 2 * half]);
    expect([statSync(path).mode & 0o777, readFileSync(`${path}.1`, 'utf8')[0]]).toEqual([0o600, 'c']);
  });

  it('gives the last lines over both files, whole ones only', async () => {
    await using dir = await tempDir();
    const path = join(dir.path, 'agent.log');
    const log = createLogFile(() => undefined);
    expect(log.last(9, plenty)).toEqual({ text: '', position: '', hasGap: false });
    using _ = log.keepIn(path);
    expect(log.last(9, plenty).text).toBe('');
    writeFileSync(`${path}.1`, 'one\ntwo\n');
    for (const line of ['three\n', 'four\n']) log.write(line);
    const texts = [0, 1, 2, 3, 4, 9].map((lines) => log.last(lines, plenty).text);
    expect(texts).toEqual([
      '',
      'four\n',
      'three\nfour\n',
      'two\nthree\nfour\n',
      ...Array(2).fill('one\ntwo\nthree\nfour\n'),
    ]);
    // What a part cuts, or may have cut, is left out.
    const cut = [8, 11, 15, 16].map((bytes) => log.last(9, bytes).text);
    expect(cut).toEqual(['four\n', 'three\nfour\n', 'three\nfour\n', 'two\nthree\nfour\n']);
  });

  it('goes on behind a position through a change of the file and a restart, and says when lines are gone', async () => {
    await using dir = await tempDir();
    const path = join(dir.path, 'agent.log');
    const open = () => {
      const log = createLogFile(() => undefined);
      return { log, kept: log.keepIn(path) };
    };
    const first = open();
    first.log.write('one\n');
    let { position } = first.log.last(9, plenty);
    const next = (log = first.log, bytesMax = plenty): string => {
      const part = log.since(position, bytesMax);
      position = part.position;
      return `${part.hasGap ? '(gap)' : ''}${part.text}`;
    };
    expect(next()).toBe('');
    for (const line of ['two\n', 'three\n']) first.log.write(line);
    expect([next(first.log, 5), next(first.log, 4), next()]).toEqual(['two\n', 'thre', 'e\n']);
    first.kept[Symbol.dispose]();
    const { log, kept } = open();
    log.write('four\n');
    log.write(lineOf('big', limits.logFileBytesMax - 5));
    log.write('five\n');
    expect(next(log)).toBe('four\n');
    expect(next(log, 4)).toBe('big.');
    const lost = position;
    for (const name of ['x', 'y']) log.write(lineOf(name, limits.logFileBytesMax));
    position = lost;
    expect(next(log, 1)).toBe('(gap)x');
    for (const wrong of ['', 'x', ':', '1-2:3', `${lost}0`, `${lost.split(':')[0]}:-1`]) {
      position = wrong;
      expect(next(log, 1)).toBe('(gap)x');
    }
    kept[Symbol.dispose]();
  });

  it('goes on without a file that cannot be written, and takes it up when it can', async () => {
    await using dir = await tempDir();
    const log = createLogFile(() => undefined);
    const folder = join(dir.path, 'later');
    const path = join(folder, 'agent.log');
    using _ = log.keepIn(path);
    log.write('lost\n');
    mkdirSync(folder);
    writeFileSync(join(dir.path, 'elsewhere'), '');
    symlinkSync(join(dir.path, 'elsewhere'), path);
    log.write('nor through a link\n');
    expect(readFileSync(join(dir.path, 'elsewhere'), 'utf8')).toBe('');
    unlinkSync(path);
    log.write('kept\n');
    expect(readFileSync(path, 'utf8')).toBe('kept\n');
  });

  it('by days: each has files of its own, those that are too old go, and readers go on through the change', async () => {
    await using dir = await tempDir();
    const path = join(dir.path, 'agent.log');
    const names = () => readdirSync(dir.path).sort();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-03-05T12:00:00Z') });
    onTestFinished(() => void vi.useRealTimers());
    const ageMs = (days: number): Date => new Date(Date.now() - days * 24 * 3_600_000);
    const nameOf = (days: number, more = ''): string => `agent.${ageMs(days).toISOString().slice(0, 10)}${more}.log`;
    for (const name of [nameOf(9), nameOf(3), nameOf(2, '.1'), nameOf(2), 'agent.other.log', 'agent.1.log'])
      writeFileSync(join(dir.path, name), `${name}\n`);
    writeFileSync(path, 'of yesterday\n');
    utimesSync(path, ageMs(1), ageMs(1));

    const log = createLogFile(() => undefined);
    using _ = log.keepIn(path, 3);
    expect(log.last(9, plenty).text).toBe(`${nameOf(2, '.1')}\nof yesterday\n`);
    const { position } = log.last(1, plenty);
    log.write('of today\n');
    expect(names()).toEqual(
      ['agent.1.log', 'agent.log', 'agent.other.log', nameOf(1), nameOf(2), nameOf(2, '.1')].sort(),
    );
    expect(log.since(position, plenty)).toMatchObject({ text: 'of today\n', hasGap: false });
    expect(log.last(9, plenty).text).toBe('of yesterday\nof today\n');

    // A day with more than one file holds.
    for (const name of ['a', 'b', 'c']) log.write(lineOf(name, limits.logFileBytesMax));
    expect(names().filter((name) => name.startsWith(nameOf(0).slice(0, -4)))).toEqual(
      [nameOf(0, '.1'), nameOf(0, '.2'), nameOf(0)].sort(),
    );
    expect([readFileSync(join(dir.path, nameOf(0)), 'utf8'), readFileSync(path, 'utf8')[0]]).toEqual([
      'of today\n',
      'c',
    ]);
  });

  it('by days: the first line of a day begins a file', async () => {
    await using dir = await tempDir();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-03-05T23:59:59Z') });
    onTestFinished(() => void vi.useRealTimers());
    const log = createLogFile(() => undefined);
    using _ = log.keepIn(join(dir.path, 'kept'), 2);
    for (const line of ['one\n', 'two\n']) {
      log.write(line);
      vi.setSystemTime(Date.now() + 1000);
    }
    expect(log.last(9, plenty).text).toBe('one\ntwo\n');
    expect(readdirSync(dir.path).sort()).toEqual(['kept', 'kept.2026-03-05']);
    vi.setSystemTime(Date.parse('2026-03-07T00:00:00Z'));
    log.write('three\n');
    expect(readdirSync(dir.path).sort()).toEqual(['kept', 'kept.2026-03-06']);
  });

  it('by days: what is kept has a bound, and none is kept for no days', async () => {
    await using dir = await tempDir();
    const path = join(dir.path, 'agent.log');
    for (const day of ['2001-01-01', '2001-01-02', '2001-01-03']) {
      writeFileSync(join(dir.path, `agent.${day}.log`), '');
      truncateSync(join(dir.path, `agent.${day}.log`), limits.logDaysBytesMax / 2);
    }
    dropOld(path, 10, dayOf(Date.parse('2001-01-04')));
    expect(readdirSync(dir.path).sort()).toEqual(['agent.2001-01-02.log', 'agent.2001-01-03.log']);

    const log = createLogFile(() => undefined);
    using _ = log.keepIn(path, 0);
    log.write('nowhere\n');
    expect([log.last(9, plenty), readdirSync(dir.path).length]).toEqual([{ text: '', position: '', hasGap: false }, 2]);
  });
});
