/** What a program that takes one entry carries: how big it is, and what it does not pull in. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

const packageDir = fileURLToPath(new URL('..', import.meta.url));
const { exports } = JSON.parse(readFileSync(`${packageDir}package.json`, 'utf8')) as { exports: object };

interface Bundle {
  /** Minified and gzipped. */
  readonly gzipBytes: number;
  /** Files that are in it. */
  readonly files: readonly string[];
}

async function bundle(source: string, external: string[] = []): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: packageDir, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@kanade/source'],
    legalComments: 'none',
    external,
  });
  const output = Object.values(metafile.outputs)[0];
  const files = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return { gzipBytes: gzipSync(outputFiles[0]?.contents ?? '').length, files: files.map(([file]) => file) };
}

/** The limits as the README states them: `| entry | own | with zod |`, in KiB. */
function limitsOf(entry: string): [own: number, whole: number] {
  const readme = readFileSync(`${packageDir}README.md`, 'utf8');
  const row = new RegExp(`^\\| \`@kanade/shared/${entry}\` +\\| (\\d+) KiB +\\| (\\d+) KiB +\\|$`, 'm').exec(readme);
  if (!row) throw new Error(`the README has no size limits for @kanade/shared/${entry}`);
  return [Number(row[1]) * 1024, Number(row[2]) * 1024];
}

const entries = Object.keys(exports)
  .map((entry) => entry.slice('./'.length))
  .filter((entry) => !entry.includes('/') && !entry.includes('.'));

it.each(entries)('@kanade/shared/%s stays within its size, for a browser', async (entry) => {
  const source = `export * from '@kanade/shared/${entry}';`;
  const own = await bundle(source, ['zod']);
  const whole = await bundle(source);
  const [ownMax, wholeMax] = limitsOf(entry);
  expect(own.gzipBytes).toBeLessThan(ownMax);
  expect(whole.gzipBytes).toBeLessThan(wholeMax);
});

it.each([
  [
    'fleet-words',
    [
      ...['config-words', 'exit', 'fence', 'object-store', 'retry', 'store', 'subject'].map(
        (file) => `fleet/${file}.ts`,
      ),
      'signing/signature.ts',
    ],
  ],
  ['job-words', ['job/words.ts']],
  ['job-legacy', ['job/to-legacy.ts', 'job/words.ts']],
])('@kanade/shared/%s carries no schema library', async (entry, expected) => {
  const { files } = await bundle(`export * from '@kanade/shared/${entry}';`);
  const scalars = files.filter((file) => file.startsWith('src/scalar/'));
  expect(files.filter((file) => !scalars.includes(file)).sort()).toEqual(expected.map((file) => `src/${file}`));
});

it('the words of the local protocol carry no schema library', async () => {
  const { files } = await bundle("export * from '@kanade/shared/local-words';");
  expect(files).toEqual(['src/local/words.ts']);
});

it('one schema carries zod, so the test above can fail', async () => {
  const { files } = await bundle("export { RunResponse } from '@kanade/shared/job';");
  expect(files.some((file) => file.includes('/zod/'))).toBe(true);
});
