import { describe, expect, it } from 'vitest';
import { emptyTranscript, followSource, plainText, type Transcript } from './transcript.ts';

const esc = '\u001b';

const textOf = ({ blocks }: Transcript): string =>
  blocks.flatMap(({ spans }) => spans.map(({ text }) => text)).join('');

const spansOf = (source: string) => followSource(emptyTranscript, source, 0).blocks.flatMap(({ spans }) => spans);

describe('followSource() draws', () => {
  it.each([
    ['plain\n', [{ text: 'plain\n' }]],
    [`${esc}[31mred${esc}[0m plain`, [{ text: 'red', look: 'ansi-red' }, { text: ' plain' }]],
    [
      `${esc}[1;92mok${esc}[22m!`,
      [
        { text: 'ok', look: 'ansi-green bold' },
        { text: '!', look: 'ansi-green' },
      ],
    ],
    [`${esc}[38;5;1mx${esc}[39m`, [{ text: 'x' }]],
    [`${esc}[38;2;1;31;3mx`, [{ text: 'x' }]],
    [`${esc}]0;title\u0007x`, [{ text: 'x' }]],
    [`${esc}[2J${esc}[10;20Hx\u0000\u0008y`, [{ text: 'xy' }]],
    ['10%\r20%\r30%\n', [{ text: '30%\n' }]],
    ['a\n10%\r', [{ text: 'a\n10%' }]],
    ['line\r\nnext\r\n', [{ text: 'line\nnext\n' }]],
    [`a ${esc}[31mb\rc`, [{ text: 'c', look: 'ansi-red' }]],
  ])('%j', (source, spans) => {
    expect(spansOf(source)).toEqual(spans);
  });
});

describe('followSource() grows', () => {
  const lines = Array.from({ length: 2_000 }, (_, index) => `line ${index}\n`).join('');

  it.each([1, 7, 1_000, 100_000])('by pieces of %i characters to what the whole would be', (size) => {
    let transcript = emptyTranscript;
    const source = lines.slice(0, size === 1 ? 2_000 : lines.length);
    for (let at = 0; at < source.length; at += size)
      transcript = followSource(transcript, source.slice(0, at + size), 0);
    expect(textOf(transcript)).toBe(source);
  });

  it('without touching the blocks that are full', () => {
    const before = followSource(emptyTranscript, lines, 0);
    const after = followSource(before, `${lines}more\n`, 0);
    expect(before.blocks.length).toBeGreaterThan(3);
    expect(after.blocks.slice(0, -1).every((block, index) => block === before.blocks[index])).toBe(true);
    expect(new Set(after.blocks.map(({ id }) => id)).size).toBe(after.blocks.length);
    expect(after.blocks.reduce((sum, block) => sum + block.lines, 0)).toBe(2_001);
    expect(followSource(after, `${lines}more\nopen`, 0).blocks.at(-1)?.lines).toBe(2);
  });

  it('and forgets blocks at the beginning that are gone', () => {
    const before = followSource(emptyTranscript, lines, 0);
    const gone = lines.indexOf('line 1500');
    const source = `${lines.slice(gone)}more\n`;
    const after = followSource(before, source, gone);
    expect(textOf(after).endsWith('line 1999\nmore\n')).toBe(true);
    expect(textOf(after).length).toBeGreaterThanOrEqual(source.length);
    expect(after.blocks.length).toBeLessThan(before.blocks.length);
    expect(after.blocks[0]).toBe(before.blocks.find(({ id }) => id === after.blocks[0]?.id));
  });

  it('from nothing when another text takes its place', () => {
    const before = followSource(emptyTranscript, lines, 0);
    expect(textOf(followSource(before, 'other\n', 0))).toBe('other\n');
  });

  it('in blocks of bounded size, even without a line end, and cuts no character', () => {
    const { blocks } = followSource(emptyTranscript, '😀'.repeat(20_000), 0);
    expect(Math.max(...blocks.map(({ chars }) => chars))).toBeLessThanOrEqual(8 * 1024 + 1);
    expect(blocks.every(({ spans }) => spans.every(({ text }) => text.isWellFormed()))).toBe(true);
  });

  it('keeps a colour over the border of a block', () => {
    const { blocks } = followSource(emptyTranscript, `${esc}[31m${lines}`, 0);
    expect(blocks.every(({ spans }) => spans.every(({ look }) => look === 'ansi-red'))).toBe(true);
  });
});

it('marks the last line of each block that speaks of an error', () => {
  const marks = (source: string) =>
    followSource(emptyTranscript, source, 0).blocks.flatMap(({ spans }) => spans.filter(({ isError }) => isError));
  expect(marks('all well\n')).toEqual([]);
  expect(marks('E: Error 6\nx\nE: Error 7\ny\n')).toEqual([{ text: 'E: Error 7\ny\n', isError: true }]);
  expect(marks('Error\n')).toEqual([{ text: 'Error\n', isError: true }]);
  expect(marks('x\n処理に失敗しました\n')).toEqual([{ text: '処理に失敗しました\n', isError: true }]);
  expect(spansOf(`a\n${esc}[31mb: ${esc}[1mfailed${esc}[0m\nc\n`)).toEqual([
    { text: 'a\n' },
    { text: 'b: ', look: 'ansi-red', isError: true },
    { text: 'failed', look: 'ansi-red bold' },
    { text: '\nc\n' },
  ]);
  expect(marks(`${'x\n'.repeat(200)}failed\n${'x\n'.repeat(200)}`).length).toBe(1);
});

it('plainText() is the text alone', () => {
  expect(plainText(`${esc}[32mok${esc}[0m\n1\r2\n`)).toBe('ok\n2\n');
});
