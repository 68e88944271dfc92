/**
 * The frozen corpus: `test/corpus/<entry>-<version>/<Type>/<case>.json` is a document as that version wrote it. Files are
 * added, never edited. Beside it may stand `<case>.written.json`, what we write after reading it when that differs.
 * `<case>.bad.json` is `{input, faults}` for a reader, `<case>.strict.json` the same for a writer.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Fault } from '@kanade/shared/local';

const corpus = fileURLToPath(new URL('corpus/', import.meta.url));

export type Entry = 'fleet' | 'job' | 'local';

export interface Sample {
  /** `<version>/<Type>/<case>`. */
  readonly name: string;
  readonly type: string;
  readonly input: unknown;
  /** What is written after reading. */
  readonly written: unknown;
}

export interface Malformed {
  readonly name: string;
  readonly type: string;
  readonly input: unknown;
  readonly faults: readonly Fault[];
}

export function samplesOf(entry: Entry): Sample[] {
  return files(entry)
    .filter((file) => !/\.(bad|strict|written)\.json$/.test(file))
    .map((file) => {
      const writtenFile = file.replace(/\.json$/, '.written.json');
      const input = read(file);
      const written = existsSync(writtenFile) ? read(writtenFile) : input;
      return { ...named(entry, file), input, written };
    });
}

/** Documents that a reader (`bad`) or a writer (`strict`) refuses, and with which words. */
export function malformedOf(entry: Entry, kind: 'bad' | 'strict'): Malformed[] {
  return files(entry)
    .filter((file) => file.endsWith(`.${kind}.json`))
    .map((file) => {
      const { input, faults } = read(file) as { input: unknown; faults: Fault[] };
      return { ...named(entry, file), input, faults };
    });
}

/** Values with their keys in alphabetical order, so that only the order of keys is forgiven. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, child: unknown) =>
    typeof child === 'object' && child !== null && !Array.isArray(child)
      ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1)))
      : child,
  );
}

const files = (entry: Entry): string[] => globSync(`${corpus}${entry}-*/*/*.json`).sort();

const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

function named(entry: Entry, file: string) {
  return {
    name: file.slice(corpus.length + entry.length + 1, -'.json'.length),
    type: basename(dirname(file)),
  };
}
