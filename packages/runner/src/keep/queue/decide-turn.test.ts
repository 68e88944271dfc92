import { describe, expect, it } from 'vitest';
import { decideTurn, type InLine, type Standing } from './decide-turn.ts';

const waiting: Standing = { kind: 'waiting' };
const running: Standing = { kind: 'running' };
const exited0: Standing = { kind: 'ended', isSuccess: true, how: 'exited with 0' };
const exited1: Standing = { kind: 'ended', isSuccess: false, how: 'exited with 1' };

/** `a:q<b` is job a in queue q after the success of b, `a:q~b` after its end. */
function job(text: string, standing = waiting): InLine {
  const [, jobId = '', queue = '', marks = ''] = /^(\w+):(\w*)(.*)$/.exec(text) ?? [];
  const after = [...marks.matchAll(/([<~])(\w+)/g)].map(([, mark, id = '']) => ({
    job_id: id,
    on: mark === '~' ? ('any' as const) : ('success' as const),
  }));
  return { jobId, queue, after, standing };
}

function turn(line: readonly InLine[], others: Record<string, Standing> = {}, slots: Record<string, number> = {}) {
  const standings = new Map([...Object.entries(others), ...line.map((one) => [one.jobId, one.standing] as const)]);
  return decideTurn({
    line,
    standingOf: (id) => standings.get(id) ?? { kind: 'absent' },
    slotsOf: (queue) => slots[queue] ?? 1,
  });
}

describe('decideTurn()', () => {
  it.each<[string, readonly InLine[], Record<string, Standing>, Record<string, number>, readonly string[]]>([
    ['one slot: the first', [job('a:q'), job('b:q')], {}, {}, ['a']],
    ['two slots: the first two', [job('a:q'), job('b:q'), job('c:q')], {}, { q: 2 }, ['a', 'b']],
    ['the slot is taken', [job('a:q', running), job('b:q')], {}, {}, []],
    ['nobody overtakes a launch that has begun', [job('a:q', { kind: 'starting' }), job('b:q')], {}, { q: 2 }, []],
    ['but who needs no slot', [job('a:', { kind: 'starting' }), job('b:')], {}, {}, ['b']],
    ['more run than there are slots now', [job('a:q', running), job('b:q', running), job('c:q')], {}, {}, []],
    ['no slots: nobody', [job('a:q')], {}, { q: 0 }, []],
    ['queues do not hold each other up', [job('a:q', running), job('b:q'), job('c:r')], {}, {}, ['c']],
    ['without a queue nobody needs a slot', [job('a:'), job('b:')], {}, {}, ['a', 'b']],
    ['who waits for a job holds up nobody', [job('a:q<x'), job('b:q')], { x: running }, {}, ['b']],
    ['what it waited for ended well', [job('a:q<x'), job('b:q')], { x: exited0 }, {}, ['a']],
    ['what it waited for ended somehow', [job('a:q~x')], { x: exited1 }, {}, ['a']],
    ['all of it must have ended', [job('a:q<x<y')], { x: exited0, y: running }, {}, []],
    ['what is just put into line again has not ended', [job('a:q<x')], { x: { kind: 'restarting' } }, {}, []],
    ['one that was never started is waited for', [job('a:q<x')], { x: waiting }, {}, []],
    ['in its own queue', [job('a:q'), job('b:q<a'), job('c:q')], {}, {}, ['a']],
  ])('%s', (_, line, others, slots, started) => {
    expect(turn(line, others, slots)).toEqual({ refused: [], started });
  });

  it.each<[string, readonly InLine[], Record<string, Standing>, Record<string, string>]>([
    ['failed', [job('a:q<x')], { x: exited1 }, { a: 'it waited for the success of job x, which exited with 1' }],
    ['is gone', [job('a:q<x')], {}, { a: 'it waited for job x, which is not there' }],
    ['is gone, whose end was enough', [job('a:q~x')], {}, { a: 'it waited for job x, which is not there' }],
    ['is itself', [job('a:q<a')], {}, { a: 'it waited for itself: a waits for a' }],
    [
      'waits for it',
      [job('a:q<b'), job('b:q<a')],
      {},
      { a: 'it waited for itself: a waits for b waits for a', b: 'it waited for itself: b waits for a waits for b' },
    ],
  ])('what a job waits for %s', (_, line, others, reasons) => {
    const { refused, started } = turn(line, others);
    expect(Object.fromEntries(refused.map(({ jobId, reason }) => [jobId, reason]))).toEqual(reasons);
    expect(started).toEqual([]);
  });

  it('a circle further on is not the fault of who waits for it', () => {
    const line = [job('z:q<a'), job('a:q<b'), job('b:q<a')];
    expect(turn(line).refused.map(({ jobId }) => jobId)).toEqual(['a', 'b']);
  });

  it('a circle of ten thousand is refused, and its reason stays short', () => {
    const line = Array.from({ length: 10_000 }, (_, at) => job(`j${at}:q<j${(at + 1) % 10_000}`));
    const { refused } = turn(line);
    expect(refused.length).toBe(10_000);
    expect(refused[7]?.reason).toBe('it waited for itself: through 9999 other jobs');
  });

  it('ten thousand that wait one for the other are no effort', () => {
    const line = Array.from({ length: 10_000 }, (_, at) => job(at === 0 ? 'j0:q' : `j${at}:q<j${at - 1}`));
    expect(turn(line).started).toEqual(['j0']);
  });
});
