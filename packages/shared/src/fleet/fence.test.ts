import { describe, expect, it } from 'vitest';
import { type Fenced, type FenceKind, stripFences, unfence } from './fence.ts';

const fence = (kind: string, json: string): string => `#KANADE-${kind}-BEGIN\n${json}\n#KANADE-${kind}-END\n`;
const both = `log line\n${fence('CHECK', '{"status":"ok"}')}noise\n${fence('INVENTORY', '{\n  "os": "x"\n}')}`;
const limits = { charsMax: 1_000, blocksMax: 3 };
const of = (text: string, kind: FenceKind = 'CHECK') => unfence(kind, [text], limits);

describe('unfence()', () => {
  it.each<[string, string, readonly Fenced[]]>([
    ['between its markers', both, [{ found: 'fenced', text: '{"status":"ok"}\n' }]],
    ['with Windows line ends', both.replaceAll('\n', '\r\n'), [{ found: 'fenced', text: '{"status":"ok"}\r\n' }]],
    ['the whole output without any marker', ' {"status":"ok"}\n', [{ found: 'bare', text: '{"status":"ok"}' }]],
    ['behind a byte order mark', `\ufeff${fence('CHECK', '{}')}`, [{ found: 'fenced', text: '{}\n' }]],
    ['the whole output behind a byte order mark', '\ufeff{}', [{ found: 'bare', text: '{}' }]],
    ['nothing when only others have markers', fence('FEED', '{}'), [{ found: 'none' }]],
    ['nothing in an empty output', ' \n', [{ found: 'none' }]],
    ['that the end is missing', '#KANADE-CHECK-BEGIN\n{"status":', [{ found: 'unclosed' }]],
    ['a begin without anything', '#KANADE-CHECK-BEGIN', [{ found: 'unclosed' }]],
    [
      'that a block ends where another begins',
      `#KANADE-CHECK-BEGIN\n{\n${fence('FEED', '{}')}`,
      [{ found: 'unclosed' }],
    ],
    [
      'a block behind one of others that never ended',
      `#KANADE-FEED-BEGIN\n{\n${fence('CHECK', '1')}`,
      [{ found: 'fenced', text: '1\n' }],
    ],
    [
      'one block after the other',
      fence('CHECK', '1') + fence('CHECK', '2'),
      [
        { found: 'fenced', text: '1\n' },
        { found: 'fenced', text: '2\n' },
      ],
    ],
    ['a block that is too long', fence('CHECK', 'x'.repeat(2_000)), [{ found: 'too_long' }]],
    ['an output that is too long', 'x'.repeat(2_000), [{ found: 'too_long' }]],
    [
      'a short block in a long output',
      `${'x\n'.repeat(9_999)}${fence('CHECK', '1')}`,
      [{ found: 'fenced', text: '1\n' }],
    ],
    [
      'an end of others inside of a block',
      fence('CHECK', '#KANADE-FEED-END'),
      [{ found: 'fenced', text: '#KANADE-FEED-END\n' }],
    ],
  ])('finds %s', async (_name, stdout, found) => {
    expect(await of(stdout)).toEqual(found);
    // However it is cut.
    expect(await unfence('CHECK', stdout, limits)).toEqual(found);
  });

  it('takes a marker inside of a line for text', async () => {
    expect(await of('echo #KANADE-CHECK-BEGIN')).toMatchObject([{ found: 'bare' }]);
    expect(await of(`#KANADE-CHECK-BEGIN${' '.repeat(300)}\n`)).toMatchObject([{ found: 'bare' }]);
  });

  it('reads no further than the last block that is wanted', async () => {
    let read = 0;
    function* endless() {
      for (;;) {
        read++;
        yield fence('CHECK', '1');
      }
    }
    expect(await unfence('CHECK', endless(), limits)).toHaveLength(3);
    expect(read).toBe(3);
  });

  it.each(['\n', '#', '#KANADE-', '#KANADE-CHECK-BEGIN\n', '#KANADE-A-', 'x'])(
    'takes twice as long for twice as much of %j',
    async (unit) => {
      // Counted in steps of the input, not in time: what it holds of it is bounded, and it looks at each piece once.
      const text = unit.repeat(Math.ceil((1 << 20) / unit.length));
      expect(await unfence('CHECK', [text, text], limits)).not.toHaveLength(0);
      expect(stripFences(text).length).toBeLessThanOrEqual(text.length);
    },
  );
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
