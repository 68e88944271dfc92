import { describe, expect, it } from 'vitest';
import { manifestBytesMax, parseManifest } from './parse-manifest.ts';

const good = `# a comment
id: disk-report
version: "1.0.0"
execute:
  shell: sh
  timeout: 30s
  script: df
`;

const faultsOf = (text: string): string[] => {
  const parsed = parseManifest(text);
  return parsed.ok ? [] : parsed.faults.map(({ line, path, message }) => `${line} ${path}: ${message}`);
};

describe('parseManifest', () => {
  it('returns the manifest of a good source', () => {
    expect(parseManifest(good)).toMatchObject({
      ok: true,
      manifest: { id: 'disk-report', execute: { timeout: '30s' } },
    });
  });

  it.each([
    ['an unknown key at the top', `${good}colour: red\n`, [/^8 colour: unknown key$/]],
    ['an unknown key inside', good.replace('  shell', '  shel: x\n  shell'), [/^5 execute\.shel: unknown key$/]],
    ['an unknown key with a dot', `${good}my.key: 1\n`, [/^8 my\.key: unknown key$/]],
    ['two scripts', `${good}  script_file: a.sh\n`, [/^4 execute: needs exactly one of .*: 2 given$/]],
    ['no script', good.replace('  script: df\n', ''), [/^4 execute: needs exactly one of .*: 0 given$/]],
    ['a missing key', good.replace('  shell: sh\n', ''), [/^4 execute\.shell: /]],
    ['a bad value', good.replace('30s', 'soon'), [/^6 execute\.timeout: must be a duration/]],
    ['a number as version', good.replace('"1.0.0"', '1.0'), [/^3 version: .*string/]],
    [
      'several faults in order of lines',
      `${good.replace('30s', 'soon')}x: 1\n`,
      [/^6 execute\.timeout/, /^8 x: unknown/],
    ],
    ['a bad element of a list', `${good}tags: [a, 3]\n`, [/^8 tags\.1: .*string/]],
    ['a key given twice', `${good}id: other\n`, [/^8 : not valid YAML: Map keys must be unique/]],
    ['an open quote', good.replace('"1.0.0"', '"1.0.0'), [/: not valid YAML: /]],
    ['tabs as indentation', good.replace('  shell', '\tshell'), [/^5 : not valid YAML: Tabs/]],
    ['an unknown tag', good.replace('df', '!run df'), [/^7 : not valid YAML: Unresolved tag/]],
    ['two documents', `${good}---\n${good}`, [/: not valid YAML: /]],
    ['no mapping', 'just text\n', [/^1 : .*object/]],
    ['nothing', '', [/^1 : /]],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n`,
      [/: not valid YAML: Excessive alias count/],
    ],
    [
      'a source that is too large',
      `${good}description: ${'x'.repeat(manifestBytesMax)}\n`,
      [/^1 : the manifest is too large: \d+ bytes/],
    ],
  ])('reports %s with line and key', (_, text, expected) => {
    const faults = faultsOf(text);
    expect(faults.slice(0, expected.length)).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });
});
