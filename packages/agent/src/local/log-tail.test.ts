import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLogTail, lineForOthers } from './log-tail.ts';

const line = (more: object): string =>
  JSON.stringify({
    level: 30,
    time: '2026-01-01T00:00:00.000Z',
    run_id: 'r-1',
    job_id: 'j',
    dir: '/home/ann',
    msg: 'run ended',
    ...more,
  });
const mine = (runId: string): boolean => runId === 'r-1';

it('lineForOthers() leaves time, level, text, and the run whose owner asks', () => {
  const rest = { level: 30, time: '2026-01-01T00:00:00.000Z', msg: 'run ended' };
  expect(JSON.parse(lineForOthers(line({}), mine) ?? '')).toEqual({ ...rest, run_id: 'r-1' });
  expect(JSON.parse(lineForOthers(line({ run_id: 'r-2' }), mine) ?? '')).toEqual(rest);
  expect(JSON.parse(lineForOthers(line({ err: { message: 'secret' }, level: 50 }), () => false) ?? '')).toEqual({
    ...rest,
    level: 50,
  });
});

it.each([
  '',
  'no JSON',
  'null',
  '[]',
  '"text"',
  line({ level: 20 }),
  line({ level: '30' }),
  line({ msg: { a: 1 } }),
  line({ time: 5 }),
])('lineForOthers() leaves out %j', (text) => {
  expect(lineForOthers(text, mine)).toBeUndefined();
});

/** A log of so many lines, every second of them for finding faults only. */
const logOf = (count: number) => {
  const lines = Array.from({ length: count }, (_, index) =>
    line({ level: index % 2 === 0 ? 30 : 20, number: index, run_id: `r-${index}` }),
  );
  return {
    last: (countMax: number) => ({
      text: `${lines.slice(-Math.min(countMax, count)).join('\n')}\n`,
      position: '',
      hasGap: false,
    }),
    since: () => ({ text: '', position: '', hasGap: false }),
    onLine: () => () => undefined,
  };
};

it('createLogTail() gives others as many lines as they ask for, the newest, at most 1,000', async () => {
  const tail = createLogTail({
    agentLog: logOf(5_000),
    ledger: { ownerOf: (runId) => (runId === 'r-4998' ? 'uid-7' : null) },
  });
  const other = { uid: -7, userKey: 'uid-7' };
  expect(await tail(other, 2)).toEqual({
    lines: [{}, { run_id: 'r-4998' }].map((more) =>
      JSON.stringify({ level: 30, time: '2026-01-01T00:00:00.000Z', msg: 'run ended', ...more }),
    ),
  });
  expect((await tail(other, undefined)).lines).toHaveLength(200);
  const most = await tail(other, 100_000);
  expect([most.lines.length, most.truncated]).toEqual([1_000, true]);
  expect(await tail(other, 0)).toEqual({ lines: [] });
  const own = await tail({ uid: 0, userKey: 'uid-0' }, 1);
  expect(own.lines).toEqual([line({ level: 20, number: 4_999, run_id: 'r-4999' })]);
});

it('no line of the log has a text that is put together: others may read it', () => {
  const src = join(import.meta.dirname, '..');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
  );
  const call = /\blog(?:\.\w+|\[[^\]]*\])\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g;
  const texts = files.flatMap((path) =>
    [...readFileSync(join(src, path), 'utf8').matchAll(call)]
      .filter(([, said = '']) => /\$\{/.test(said))
      .map(([said]) => `${path}: ${said}`),
  );
  expect(texts).toEqual([]);
});
