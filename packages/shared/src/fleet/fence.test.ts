import { describe, expect, it } from 'vitest';
import { stripFences, unfence } from './fence.ts';

const fence = (kind: string, json: string): string => `#KANADE-${kind}-BEGIN\n${json}\n#KANADE-${kind}-END\n`;
const both = `log line\n${fence('CHECK', '{"status":"ok"}')}noise\n${fence('INVENTORY', '{\n  "os": "x"\n}')}`;

it.each([
  ['between its markers', both, { found: 'fenced', text: '{"status":"ok"}' }],
  ['with Windows line ends', both.replaceAll('\n', '\r\n'), { found: 'fenced', text: '{"status":"ok"}\r' }],
  ['the whole output without any marker', ' {"status":"ok"}\n', { found: 'bare', text: '{"status":"ok"}' }],
  ['nothing when only others have markers', fence('FEED', '{}'), { found: 'none' }],
  ['nothing in an empty output', ' \n', { found: 'none' }],
  ['that the end is missing', '#KANADE-CHECK-BEGIN\n{"status":', { found: 'unclosed' }],
  ['the first of two blocks', fence('CHECK', '1') + fence('CHECK', '2'), { found: 'fenced', text: '1' }],
])('unfence() finds %s', (_name, stdout, found) => {
  expect(unfence('CHECK', stdout)).toEqual(found);
});

it('a marker inside of a line is text', () => {
  expect(unfence('CHECK', 'echo #KANADE-CHECK-BEGIN')).toMatchObject({ found: 'bare' });
});

describe('stripFences()', () => {
  it.each([
    ['text without a block', 'one\ntwo\n', 'one\ntwo\n'],
    ['a block in the middle', 'one\n#KANADE-CHECK-BEGIN\n{}\n#KANADE-CHECK-END\ntwo\n', 'one\ntwo\n'],
    ['two blocks', '#KANADE-CHECK-BEGIN\n{}\n#KANADE-CHECK-END\n#KANADE-FEED-BEGIN\n{}\n#KANADE-FEED-END\nend', 'end'],
    ['a block at the very end', 'one\n#KANADE-CHECK-BEGIN\n{}\n#KANADE-CHECK-END', 'one\n'],
    ['Windows line ends', 'one\r\n#KANADE-CHECK-BEGIN\r\n{}\r\n#KANADE-CHECK-END\r\ntwo\r\n', 'one\r\ntwo\r\n'],
    ['a block that is not closed', 'one\n#KANADE-CHECK-BEGIN\n{"status":', 'one\n'],
    ['a block closed by another kind', 'one\n#KANADE-CHECK-BEGIN\n#KANADE-FEED-END\ntwo\n', 'one\n'],
    ['a marker inside a line', 'see #KANADE-CHECK-BEGIN here\n', 'see #KANADE-CHECK-BEGIN here\n'],
    ['a closing line alone', 'one\n#KANADE-CHECK-END\ntwo\n', 'one\n#KANADE-CHECK-END\ntwo\n'],
    ['nothing', '', ''],
  ])('%s', (_name, text, shown) => {
    expect(stripFences(text)).toBe(shown);
  });

  it('hides what precedes a closing line whose opener was dropped', () => {
    expect(stripFences('"status":"ok"}\n#KANADE-CHECK-END\ntwo\n', { headDropped: true })).toBe('two\n');
  });

  it('keeps what precedes a whole block although the beginning was dropped', () => {
    const text = 'one\n#KANADE-CHECK-BEGIN\n{}\n#KANADE-CHECK-END\ntwo\n';
    expect(stripFences(text, { headDropped: true })).toBe('one\ntwo\n');
  });
});
