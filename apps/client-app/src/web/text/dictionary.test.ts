import { describe, expect, it } from 'vitest';
import { type Dictionary, en } from './en.ts';
import { ja } from './ja.ts';
import { chooseLanguage } from './language.ts';
import { durationWords, failureWords, nextStepWords, statusWords } from './words.ts';

/** That the keys agree is a matter of types; here, that every text says something in each language. */
describe.each<[string, Dictionary]>([
  ['en', en],
  ['ja', ja],
])('dictionary %s', (_language, dictionary) => {
  it.each(Object.entries(dictionary))('%s', (_key, entry) => {
    const text = typeof entry === 'string' ? entry : (entry as (...values: unknown[]) => string)('A', 'B');
    expect(text.trim()).not.toBe('');
    expect(text).not.toMatch(/undefined|NaN|\[object/);
  });
});

describe('ja', () => {
  it('is written in Japanese wherever the English text has words', () => {
    const texts = Object.values(ja).filter((entry) => typeof entry === 'string');
    expect(texts.filter((text) => !/[\u3040-\u30ff\u4e00-\u9fff]/.test(text))).toEqual([]);
  });
});

describe('chooseLanguage()', () => {
  it.each([
    ['', ['ja-JP', 'en'], 'ja'],
    ['', ['de-DE', 'en-GB', 'ja'], 'en'],
    ['', ['fr'], 'en'],
    ['', [], 'en'],
    ['?lang=ja', ['en-US'], 'ja'],
    ['?lang=EN', ['ja'], 'en'],
    ['?lang=xx', ['ja'], 'ja'],
  ])('%s with %j is %s', (search, preferred, language) => {
    expect(chooseLanguage(search, preferred)).toBe(language);
  });
});

describe('statusWords()', () => {
  it.each([
    [{ status: 'running', stopping: false }, 'Running'],
    [{ status: 'running', stopping: true }, 'Stopping…'],
    [{ status: 'failed', stopping: false, exit_code: 3 }, 'Failed (code 3)'],
    [{ status: 'failed', stopping: false, exit_code: -1 }, 'Failed'],
    [{ status: 'killed', stopping: false, exit_code: -1 }, 'Stopped'],
    [{ status: 'failed', stopping: false, exit_code: 127, skipped: true }, 'Not run'],
    [{ status: 'failed', stopping: false, exit_code: 122 }, 'Failed (code 122)'],
    [{ status: 'failed', stopping: false, exit_code: 121 }, 'Unknown'],
  ] as const)('%j is %s', (run, words) => {
    expect(statusWords(run, en)).toBe(words);
  });
});

it.each([
  [{ status: 'completed', exit_code: 0 }, undefined],
  [{ status: 'failed', exit_code: 127 }, en.failedText],
  [{ status: 'failed', exit_code: 127, skipped: true }, en.exitStale],
  [{ status: 'failed', exit_code: 122, skipped: true }, en.exitUnsupported],
  [{ status: 'failed', exit_code: 125, skipped: true }, en.skippedText],
] as const)('nextStepWords() after %j', (run, words) => {
  expect(nextStepWords(run, en)).toBe(words);
});

describe('durationWords()', () => {
  it.each([
    [-5, '0 s'],
    [59_999, '59 s'],
    [60_000, '1 min 0 s'],
    [3_599_999, '59 min 59 s'],
    [3_725_000, '1 h 2 min'],
  ])('%i ms is %s', (durationMs, words) => {
    expect(durationWords(durationMs, en)).toBe(words);
  });
});

describe('failureWords()', () => {
  it.each([
    ['not_allowed', en.errorNotAllowed],
    ['toString', 'That did not work: why'],
  ])('%s', (code, words) => {
    expect(failureWords({ code, message: 'why' }, en)).toBe(words);
  });
});
