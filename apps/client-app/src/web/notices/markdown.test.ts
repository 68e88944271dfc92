import { describe, expect, it } from 'vitest';
import { type MarkdownInline, type MarkdownPart, parseMarkdown, webAddress } from './markdown.ts';

const paragraph = (...inside: MarkdownInline[]): MarkdownPart => ({ kind: 'paragraph', inside });

describe('parseMarkdown() reads', () => {
  it.each<[string, readonly MarkdownPart[]]>([
    ['', []],
    ['one\ntwo\n\nthree', [paragraph('one', { kind: 'break' }, 'two'), paragraph('three')]],
    ['# Title #', [{ kind: 'heading', level: 1, inside: ['Title'] }]],
    ['#hash', [paragraph('#hash')]],
    ['a **b** c', [paragraph('a ', { kind: 'strong', inside: ['b'] }, ' c')]],
    [
      '*b* _c_ ~~d~~',
      [
        paragraph({ kind: 'em', inside: ['b'] }, ' ', { kind: 'em', inside: ['c'] }, ' ', {
          kind: 'del',
          inside: ['d'],
        }),
      ],
    ],
    ['a_b_c 2 * 3 * 4', [paragraph('a_b_c 2 * 3 * 4')]],
    ['`<b>` \\*x\\*', [paragraph({ kind: 'code', text: '<b>' }, ' ', '*', 'x', '*')]],
    ['[t](https://example.org/a)', [paragraph({ kind: 'link', href: 'https://example.org/a', inside: ['t'] })]],
    [
      '詳細はhttps://example.org/a?b=1をご覧ください。',
      [
        paragraph(
          '詳細は',
          { kind: 'link', href: 'https://example.org/a?b=1', inside: ['https://example.org/a?b=1'] },
          'をご覧ください。',
        ),
      ],
    ],
    [
      '<https://example.org/道>',
      [paragraph({ kind: 'link', href: 'https://example.org/%E9%81%93', inside: ['https://example.org/道'] })],
    ],
    [
      'see https://example.org/a.',
      [paragraph('see ', { kind: 'link', href: 'https://example.org/a', inside: ['https://example.org/a'] }, '.')],
    ],
    ['```sh\n# no heading\n```\nx', [{ kind: 'code', text: '# no heading' }, paragraph('x')]],
    ['> a\n> b', [{ kind: 'quote', parts: [paragraph('a', { kind: 'break' }, 'b')] }]],
    ['- a\n- b', [{ kind: 'list', start: undefined, items: [[paragraph('a')], [paragraph('b')]] }]],
    ['2. a\n3. b', [{ kind: 'list', start: 2, items: [[paragraph('a')], [paragraph('b')]] }]],
    [
      '- a\n  - b',
      [
        {
          kind: 'list',
          start: undefined,
          items: [[paragraph('a'), { kind: 'list', start: undefined, items: [[paragraph('b')]] }]],
        },
      ],
    ],
    ['| a | b |\n|---|---|\n| 1 | 2 |', [{ kind: 'table', head: [['a'], ['b']], rows: [[['1'], ['2']]] }]],
    ['---', [{ kind: 'rule' }]],
  ])('%j', (text, parts) => {
    expect(parseMarkdown(text)).toEqual(parts);
  });
});

describe('parseMarkdown() leaves as text', () => {
  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '[x](vbscript:msgbox)',
    '[x](//example.org)',
    '[x](/api/runs)',
    '[x](file:///etc/passwd)',
    '![x](https://example.org/pixel.png "t")'.replace('https', 'ftp'),
  ])('%s', (text) => {
    const kinds = parseMarkdown(text).flatMap((part) => ('inside' in part ? part.inside : []));
    expect(kinds.every((inline) => typeof inline === 'string')).toBe(true);
  });
});

it('webAddress() takes http and https alone', () => {
  expect(webAddress('HTTPS://example.org')).toBe('https://example.org/');
  for (const text of ['javascript:1', ' java\nscript:1', 'blob:https://a/b', '', 'x']) {
    expect(webAddress(text)).toBeUndefined();
  }
});

it('parseMarkdown() takes time in proportion to the text, whatever it is made of', () => {
  const pieces = [
    '`',
    '*',
    '_',
    '[',
    '](',
    '> ',
    '- ',
    '~~',
    '|',
    '-|',
    '#',
    '  ',
    '\n',
    '1. ',
    'http://',
    '\\',
    '**a',
  ];
  // One that made it look back again and again would take hours, and end by the time that a test may take.
  for (const piece of pieces) expect(parseMarkdown(piece.repeat(64 * 1024))).toBeInstanceOf(Array);
});
