import { seeded } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { lineCharsRead } from './line/split.ts';
import { kinds } from './route/kinds.ts';
import { type Compression, type CompressRequest, compress, createStreamSieve } from './view.ts';

const bytes = (text: string): number => Buffer.byteLength(text);
const excerpt = (text: string, from = 0, total = from + bytes(text)) =>
  ({ text, range: [from, from + bytes(text)], totalBytes: total }) as const;

const modes = ['route', 'errors', 'tests', 'logs', 'git', 'json', 'summary'] as const;
type Asked = Partial<Pick<CompressRequest, 'mode' | 'command'>> & { readonly stderr?: string };
const compressed = (stdout: string, { mode = 'summary', command, stderr = '' }: Asked = {}): Compression =>
  compress({ mode, command, stdout: excerpt(stdout), stderr: excerpt(stderr) });

const numbered = (count: number, line = (at: number) => `line ${at}`): string =>
  Array.from({ length: count }, (_, at) => `${line(at + 1)}\n`).join('');

describe('compress()', () => {
  it('shows the beginning and the end of what is long, and says which bytes are between', () => {
    const text = numbered(1_000);
    const shown = compressed(text);
    const head = numbered(10);
    const tail = text
      .slice(-numbered(1_000).indexOf('line 11\n') - 20)
      .split('\n')
      .slice(-11)
      .join('\n');
    expect(shown).toMatchObject({ applied: true, omitted: true, strategy: ['bounded-summary', 'truncation'] });
    expect(shown.stdout).toBe(`${head}... omitted middle ...\n${tail}`.trimEnd());
    const [part] = shown.left_out ?? [];
    expect(part).toMatchObject({ stream: 'stdout', lines: 980, error_lines: 0 });
    expect(text.slice(...(part?.range ?? []))).toBe(text.slice(text.indexOf('line 11\n'), text.indexOf('line 991\n')));
  });

  it.each(modes)('%s leaves short output alone', (mode) => {
    expect(compressed('out\n', { mode, stderr: 'failed\n' })).toMatchObject({
      ...{ mode, applied: false, stdout: '', stderr: '', omitted: false, strategy: ['expansion-guard'] },
      ...{ stdout_original_bytes: 4, stderr_original_bytes: 7, stdout_compressed_bytes: 0, stderr_compressed_bytes: 0 },
    });
  });

  it('shows a stream as it is that does not get shorter beside one that does', () => {
    expect(compressed(numbered(500), { stderr: 'warning: x\n' })).toMatchObject({
      applied: true,
      stderr: 'warning: x',
    });
  });

  it('counts the whole logs, and offsets in them, whatever the excerpt', () => {
    const text = numbered(300);
    const shown = compress({ mode: 'summary', stdout: excerpt(text, 5_000, 9_000), stderr: excerpt('') });
    expect(shown).toMatchObject({ stdout_original_bytes: 9_000, stdout_compressed_bytes: bytes(shown.stdout) });
    expect(shown.left_out?.[0]?.range).toEqual([5_000 + text.indexOf('line 11\n'), 5_000 + text.indexOf('line 291\n')]);
  });

  it('goes on behind what was not kept of a log, with the offsets of the log', () => {
    const sieve = createStreamSieve('errors', 0);
    sieve.push('fine\nhalf of a li');
    sieve.skip(17, 10_000);
    sieve.push(`ne\nerror: x\n${'fine\n'.repeat(40)}`);
    expect(sieve.end([0, 10_212])).toEqual({
      text: 'error: x\n... 9983 bytes of the log were not kept ...',
      isShorter: true,
      leftOut: { lines: 43, errors: 0, range: [0, 10_212] },
    });
  });

  it('answers for nothing at all', () => {
    expect(compressed('')).toMatchObject({ applied: true, stdout: '', omitted: false, strategy: ['bounded-summary'] });
  });
});

describe('error lines', () => {
  it.each(Object.keys(kinds))('survive in the middle of %s', (kind) => {
    const errors = ['error: the disk is full', 'fatal: not a git repository', 'ls: cannot access x: Permission denied'];
    const filler = numbered(400, (at) => `src/file-${at % 50}.ts:${at}:3: some text number ${at}`);
    const text = `${filler}${errors.join('\n')}\n${filler}`;
    const sieve = createStreamSieve(kind as keyof typeof kinds, 0);
    sieve.push(text);
    const view = sieve.end([0, bytes(text)]);
    expect(view.isShorter).toBe(true);
    for (const line of errors) expect(view.text).toContain(line);
  });

  it('are counted exactly where they are too many to be shown', () => {
    const text = numbered(5_000, (at) => `error: number ${at}`);
    const shown = compressed(text);
    const lines = new Set(shown.stdout.split('\n'));
    const missing = text
      .trimEnd()
      .split('\n')
      .filter((line) => !lines.has(line)).length;
    expect(missing).toBeGreaterThan(4_000);
    expect(shown.left_out).toMatchObject([{ error_lines: missing }]);
    expect(shown.stdout).toContain(`... ${missing} error lines left out ...`);
  });

  it('survive a progress display that wrote over them', () => {
    const bar = Array.from({ length: 300 }, (_, at) => `${at} of 300\r`).join('');
    const shown = compressed(`${bar}error: lost the connection\r${bar}all told\n`);
    expect(shown.stdout).toBe('all told\n... error lines:\nerror: lost the connection');
  });

  it('survive colours', () => {
    const text = `${numbered(100)}\x1b[31merror\x1b[39m: \x1b[1mno such file\x1b[0m\n${numbered(100)}`;
    expect(compressed(text).stdout).toContain('error: no such file');
  });
});

/** Texts that nobody expects. */
const odd: Record<string, string> = {
  'one long line': 'x'.repeat(300_000),
  'a line of characters of two units': '😀'.repeat(60_000),
  'a progress bar without a newline': Array.from({ length: 5_000 }, (_, at) => `\r${at % 100}% [====> ]`).join(''),
  'lone halves of characters': '\ud83d\n\ude00\n'.repeat(300),
  'controls and colours': '\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[\x1b]\x1bP\0\x07\b\n'.repeat(100),
  'broken bytes': Buffer.from(Array.from({ length: 5_000 }, (_, at) => (at * 7919) % 256)).toString('utf8'),
  'only newlines': '\n'.repeat(3_000),
  'only carriage returns': '\r'.repeat(50_000),
  'lines of blanks': `${' '.repeat(20_000)}x\n`.repeat(3),
  'brackets without an end': '['.repeat(20_000),
  'deep objects': '{"a":'.repeat(5_000),
  'a long line of every special character': '-|+=#:./\\"\'()[]{}<>*^~%@ 0a'.repeat(1_000),
  'ok and brackets': 'ok ('.repeat(10_000),
  digits: '1'.repeat(20_000),
};

describe.each(Object.entries(odd))('%s', (_name, text) => {
  it.each(Object.keys(kinds))('is taken by %s, and does not get longer', (kind) => {
    const sieve = createStreamSieve(kind as keyof typeof kinds, 0);
    sieve.push(text);
    const view = sieve.end([0, bytes(text)]);
    expect(bytes(view.text)).toBeLessThanOrEqual(bytes(text));
    expect(bytes(view.text)).toBeLessThan(150_000);
  });
});

it.each(['route', 'errors', 'logs'] as const)('%s takes one line of 10 MB', (mode) => {
  expect(compressed('x😀'.repeat(2_000_000), { mode }).stdout_compressed_bytes).toBeLessThan(2_000);
});

describe('whatever is printed', () => {
  const words =
    'error failed ok test passed {"a":1} [x] git | --- \t \r \x1b[1m 12:00:01 2026-01-01T00:00:00Z 😀 é a/b.ts:3:4: ( )'.split(
      ' ',
    );
  const random = seeded(16);
  const next = (most: number): number => Math.floor(random() * most);
  const texts = Array.from({ length: 300 }, () =>
    Array.from({ length: next(200) }, () =>
      Array.from({ length: next(12) }, () => words[next(words.length)]).join(' '),
    ).join('\n'),
  );

  it.each(modes)('%s never throws, never gets longer, and makes no view longer than the first', (mode) => {
    for (const [at, text] of texts.entries()) {
      const shown = compressed(text, { mode, stderr: texts[(at * 7) % texts.length] ?? '' });
      if (!shown.applied) continue;
      expect(shown.stdout_compressed_bytes).toBeLessThanOrEqual(shown.stdout_original_bytes);
      expect(shown.stderr_compressed_bytes).toBeLessThanOrEqual(shown.stderr_original_bytes);
      const again = compressed(shown.stdout, { mode });
      expect(bytes(again.applied ? again.stdout : shown.stdout)).toBeLessThanOrEqual(bytes(shown.stdout));
    }
  });

  it('gives the same view however the text is cut into pieces', () => {
    for (const text of texts.slice(0, 60)) {
      for (const kind of ['errors', 'logs', 'summary', 'json', 'search'] as const) {
        const whole = createStreamSieve(kind, 0);
        whole.push(text);
        const inPieces = createStreamSieve(kind, 0);
        for (let from = 0; from < text.length; ) {
          const length = 1 + next(50);
          let to = Math.min(text.length, from + length);
          if (/[\ud800-\udbff]/.test(text[to - 1] ?? '')) to++;
          inPieces.push(text.slice(from, to));
          from = to;
        }
        expect(inPieces.end([0, bytes(text)])).toEqual(whole.end([0, bytes(text)]));
      }
    }
  });

  it('reads no more of a line than it says', () => {
    const shown = compressed(`${'x'.repeat(lineCharsRead + 10)} error: too far\n${numbered(100)}`, { mode: 'errors' });
    expect(shown.stdout).not.toContain('too far');
  });
});
