import { describe, expect, it } from 'vitest';
import { appendOutput, emptyOutput, finalOutput, outputCharsMax, resumeOutput } from './run.ts';

const full = 'x'.repeat(outputCharsMax);

describe('appendOutput()', () => {
  it('keeps everything up to the limit', () => {
    expect(appendOutput(emptyOutput, full)).toEqual({ text: full, droppedChars: 0 });
  });

  it('drops the beginning beyond the limit and counts it', () => {
    const output = appendOutput(appendOutput(emptyOutput, full), 'yy');
    expect(output.droppedChars).toBe(2);
    expect(output.text).toHaveLength(outputCharsMax);
    expect(output.text.endsWith('xyy')).toBe(true);
  });

  it('starts at a whole line where one is near', () => {
    const output = appendOutput(emptyOutput, `first line\nsecond\n${'x'.repeat(outputCharsMax - 10)}`);
    expect(output).toEqual({ text: `second\n${'x'.repeat(outputCharsMax - 10)}`, droppedChars: 11 });
  });

  it('does not cut a character in two', () => {
    const output = appendOutput(emptyOutput, `😀${'x'.repeat(outputCharsMax - 1)}`);
    expect(output).toEqual({ text: 'x'.repeat(outputCharsMax - 1), droppedChars: 2 });
  });
});

describe('finalOutput()', () => {
  const streamed = { text: 'a long text that was streamed\n', droppedChars: 0 };
  const note = '...[truncated: output exceeded 256 KiB]';

  it.each([
    ['the full text', 'whole\n', { text: 'whole\n', droppedChars: 0 }],
    ['the streamed text when the full one is empty', '', streamed],
    [
      'the cut text when it is longer',
      `${'y'.repeat(100)}\n${note}`,
      { text: `${'y'.repeat(100)}\n${note}`, droppedChars: 0 },
    ],
  ])('takes %s', (_name, text, expected) => {
    expect(finalOutput(streamed, text)).toEqual(expected);
  });

  it('keeps the streamed text when the full one was cut and is shorter, counting what was dropped', () => {
    const long = { text: 'tail\n', droppedChars: 1_000 };
    expect(finalOutput(long, `head\n${note}`)).toBe(long);
  });
});

describe('resumeOutput()', () => {
  const known = { text: 'one\n', droppedChars: 0 };

  it.each([
    ['a replay from the start', 'one\ntwo\n', 'one\ntwo\n'],
    ['a replay without news', 'one\n', 'one\n'],
    ['a delta', 'two\n', 'one\ntwo\n'],
    ['nothing', '', 'one\n'],
  ])('%s', (_name, chunk, text) => {
    expect(resumeOutput(known, chunk)).toEqual({ text, droppedChars: 0 });
  });
});
