import { describe, expect, it } from 'vitest';
import { parseJobFile } from './catalogue.ts';

const good = 'id: a\nversion: "1"\nexecute:\n  shell: sh\n  timeout: 5s\n  script: "true"\n';

describe('parseJobFile()', () => {
  it('reads a manifest', () => {
    expect(parseJobFile(good)).toMatchObject({ manifest: { id: 'a', execute: { script: 'true' } } });
  });

  it.each([
    ['YAML that does not end', 'id: [', /^line 1: /],
    ['nothing', '', /^.*document: /],
    ['an unknown key', `${good}colour: red\n`, /^line 7: colour: unknown key$/],
    ['a duration that is none', good.replace('5s', 'soon'), /^line 5: execute\.timeout: must be a duration/],
    ['a missing key', good.replace('  shell: sh\n', ''), /^execute\.shell: /],
    ['a script elsewhere', good.replace('script: "true"', 'script_file: a.sh'), /^execute\.script_file: only/],
  ])('says what is wrong with %s, and where', (_, text, fault) => {
    const parsed = parseJobFile(text);
    expect('faults' in parsed ? parsed.faults.join('\n') : 'no fault').toMatch(fault);
  });
});
