import { describe, expect, it } from 'vitest';
import { limits } from '../limits.ts';
import { asMarkup, toastText } from './plain-text.ts';

const bodyOf = (body: string): string => toastText({ title: 't', body }).body;

describe('toastText()', () => {
  it.each([
    ['*Save* your **work** at `six`.', 'Save your work at six.'],
    ['# Maintenance\n\n\n\nAt ~~six~~ _seven_', 'Maintenance\n\nAt six seven'],
    ['- one\n- [ ] two\n1. three', '• one\n• two\n1. three'],
    ['> quoted\n> > deep', 'quoted\ndeep'],
    ['[the page](https://example.com "T") and ![a picture](x.png)', 'the page and a picture'],
    ['<https://example.com/a_b>', 'https://example.com/a_b'],
    ['| a | b |\n|---|---|\n| 1 | 2 |', 'a  b\n1  2'],
    ['```sh\nls -l\n```\n---\nafter', 'ls -l\nafter'],
    ['snake_case_name, 2 * 3 * 4, a*b', 'snake_case_name, 2 * 3 * 4, a*b'],
    ['\\*not this\\*', '*not this*'],
    ['<b>bold</b> & more', '<b>bold</b> & more'],
  ])('%j is %j', (markdown, plain) => expect(bodyOf(markdown)).toBe(plain));

  it('holds no control characters and nothing that turns the direction of writing', () => {
    const { title, body } = toastText({ title: 'a\u0000b\nc\u001b[31m', body: 'x\u0007\u202ey\r\nz\u2066\ud800' });
    expect(title).toBe('ab c[31m');
    expect(body).toBe('xy\nz\ufffd');
  });

  it('is bounded, and never ends in half a character', () => {
    const { title, body } = toastText({ title: '💾'.repeat(500), body: '💾'.repeat(5000) });
    expect([...title]).toHaveLength(limits.toastTitleCharsMax);
    expect([...body].length).toBeLessThanOrEqual(limits.toastBodyCharsMax);
    expect(title.isWellFormed() && body.isWellFormed()).toBe(true);
    expect(body.endsWith('…')).toBe(true);
  });

  it('has a title', () => expect(toastText({ title: ' \u0000 ', body: '' })).toEqual({ title: 'kanade', body: '' }));

  it.each(['*', '_', '[', '`', '~~', '|', '> ', '![](', '\\', '- '])('takes %j as often as it fits', (sign) => {
    // A pattern that goes wild would take minutes.
    expect([...bodyOf(sign.repeat(30_000))].length).toBeLessThanOrEqual(limits.toastBodyCharsMax);
  });
});

it('asMarkup() leaves no tag', () => expect(asMarkup('<b>&amp;')).toBe('&lt;b&gt;&amp;amp;'));
