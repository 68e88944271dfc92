import type { EventStarted, ExecResult } from '@kanade/shared/fleet';
import { describe, expect, it } from 'vitest';
import {
  createSieve,
  isAnswer,
  isBegun,
  type ResultQuestion,
  resultEndingOf,
  underParents,
} from './result-question.ts';

const result = (more: Partial<ExecResult> = {}): ExecResult => ({
  ...{ result_id: 'r', request_id: 'q', exec_id: 'e', pc_id: 'pc-1', exit_code: 0, stdout: '', stderr: '' },
  ...{ started_at: '2026-01-01T00:00:00Z', finished_at: '2026-01-01T00:00:01Z', manifest_id: 'job' },
  ...more,
});

describe('resultEndingOf()', () => {
  it.each([
    ['what it says', { ending: 'timed_out', exit_code: -1 }, 'timed_out'],
    ['a code of its own', { exit_code: 126, skipped: false }, 'exited'],
    ['a skip', { exit_code: 126, skipped: true }, 'not_started'],
    ['a refusal', { exit_code: 123, skipped: false }, 'not_started'],
    ['a restart', { exit_code: 121, skipped: false }, 'lost'],
    ['an older agent that killed something', { exit_code: -1 }, undefined],
  ] as const)('%s', (_, more, ending) => expect(resultEndingOf(result(more))).toBe(ending));
});

describe('isAnswer()', () => {
  it.each<[string, ResultQuestion, Partial<ExecResult>, boolean]>([
    ['anything', {}, {}, true],
    ['its job', { jobId: 'job' }, {}, true],
    ['what cleans up after its job', { jobId: 'job' }, { manifest_id: 'job__finalize' }, true],
    ['another job', { jobId: 'jo' }, {}, false],
    ['its order', { jobId: 'e' }, {}, true],
    ['one of its machines', { pcs: ['pc-9', 'pc-1'] }, {}, true],
    ['another machine', { pcs: ['pc-9'] }, {}, false],
    ['its ending', { endings: ['lost', 'exited'] }, {}, true],
    ['another ending', { endings: ['lost'] }, {}, false],
    ['an ending nobody knows', { endings: ['exited'] }, { exit_code: -1 }, false],
    ['a failure', { failed: true }, { exit_code: 3 }, true],
    ['no failure', { failed: true }, {}, false],
    ['a skip', { failed: true }, { exit_code: 126, skipped: true }, false],
    ['all that is asked but one', { jobId: 'job', pcs: ['pc-9'], failed: true }, { exit_code: 3 }, false],
  ])('%s', (_, question, more, answers) => expect(isAnswer(result(more), question)).toBe(answers));
});

describe('isBegun()', () => {
  const started = { result_id: 'r', request_id: 'q', exec_id: 'e', pc_id: 'pc-1', manifest_id: 'job' } as EventStarted;
  it.each<[ResultQuestion, boolean]>([
    [{}, true],
    [{ requestId: 'q', pcs: ['pc-1'], jobId: 'job' }, true],
    [{ requestId: 'other' }, false],
    [{ jobId: 'e' }, true],
    [{ jobId: 'other' }, false],
  ])('%j', (question, is) => expect(isBegun(started, question)).toBe(is));
});

describe('createSieve()', () => {
  const bytes = (text: string) => new TextEncoder().encode(`....${text}`).subarray(4);
  it.each<[ResultQuestion, string, boolean]>([
    [{}, '', true],
    [{ jobId: 'job' }, '{"manifest_id":"job__finalize"}', true],
    [{ jobId: 'job' }, '{"manifest_id":"other"}', false],
    [{ pcs: ['pc-1'] }, '{"pc_id":"pc-2"}', false],
    [{ pcs: ['pc-1', 'pc-2'] }, '{"pc_id":"pc-3"}', true],
  ])('%j of %j', (question, text, may) => expect(createSieve(question)(bytes(text))).toBe(may));
});

describe('underParents()', () => {
  const row = (result_id: string, parent_result_id?: string) => result({ result_id, parent_result_id });
  it.each<[string, ExecResult[], string[]]>([
    ['as they are', [row('a'), row('b')], ['a', 'b']],
    ['behind their run', [row('a2', 'a'), row('b'), row('a1', 'a'), row('a')], ['b', 'a', 'a1', 'a2']],
    ['alone without it', [row('x1', 'x'), row('b')], ['x1', 'b']],
    ['of themselves', [row('a', 'a'), row('b')], ['a', 'b']],
    ['of each other', [row('a', 'b'), row('b', 'a'), row('c')], ['c', 'a', 'b']],
    ['without an id', [row('', ''), row('')], ['', '']],
  ])('%s', (_, rows, ids) => expect(underParents(rows, (one) => one).map(({ result_id }) => result_id)).toEqual(ids));
});
