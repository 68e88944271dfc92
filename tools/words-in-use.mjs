/**
 * Words of `shared` that nobody needs: names that an entry exports as a value and that neither the product nor another file of
 * `shared` imports, nor a contract test holds to its documents. `words-waiting.json` names those that a part of the system
 * will use which is not built yet, by that part. Exits 1 with one line for a word without a user that is not in that list, and
 * for one in the list that has a user or is gone. Runs under `--conditions=@kanade/source`.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isTestFile, sourceFiles } from './source-files.mjs';
import { root } from './toolchain.mjs';

const shared = 'packages/shared';
const read = (path) => readFileSync(join(root, path), 'utf8');

/** Names that a text takes by import or through a namespace from a module whose specifier begins with the pattern `from`. */
export function wordsOf(text, from) {
  const imports = new RegExp(`import\\s+(?:\\{([^}]*)\\}|\\*\\s+as\\s+(\\w+))\\s+from\\s+'${from}`, 'g');
  return [...text.matchAll(imports)].flatMap(([, list, namespace]) => {
    if (namespace) return [...text.matchAll(new RegExp(`\\b${namespace}\\.(\\w+)`, 'g'))].map(([, name]) => name);
    return list
      .split(',')
      .map((word) => word.trim().split(/\s/)[0])
      .filter((word) => word !== '' && word !== 'type');
  });
}

/** What is wrong with the words (names) that are exported and needed, and with the list `waiting` (part → words). */
export function faultsOf({ exported, needed, waiting }) {
  const marked = new Map(Object.entries(waiting).flatMap(([part, words]) => words.map((word) => [word, part])));
  return [
    ...[...exported]
      .filter((name) => !needed.has(name) && !marked.has(name))
      .map((name) => `${name}: nobody uses it: remove it, or say in tools/words-waiting.json what it waits for`),
    ...[...marked]
      .filter(([name]) => !exported.has(name) || needed.has(name))
      .map(([name, part]) => `${name}: does not wait for ${part}: ${exported.has(name) ? 'it is used' : 'it is gone'}`),
  ].sort();
}

/** Entry of `shared` → its exports. */
async function readEntries() {
  const { exports } = JSON.parse(read(`${shared}/package.json`));
  const entries = {};
  for (const [entry, { '@kanade/source': source }] of Object.entries(exports)) {
    if (source) entries[entry.slice('./'.length)] = await import(join(root, shared, source));
  }
  return entries;
}

/** Names that the product, the build, the contract tests and the other files of `shared` take. */
function takenWords() {
  const sources = sourceFiles().filter(({ path }) => !isTestFile(path));
  const own = sources.filter(({ path }) => path.startsWith(`${shared}/src/`)).map(({ text }) => text);
  const contracts = globSync(
    ['packages/shared/test/{corpus-suite,*-corpus.test}.ts', 'apps/kanade/test/contract-*.test.ts'],
    { cwd: root },
  );
  const others = [...sources.map(({ text }) => text), ...[`${shared}/build/schema.mjs`, ...contracts].map(read)];
  return new Set([
    ...others.flatMap((text) => wordsOf(text, '(?:@kanade/shared/|\\.\\./dist/)')),
    ...own.flatMap((text) => wordsOf(text, '\\.')),
  ]);
}

async function main() {
  const { exercised } = await import('../packages/shared/build/corpus.mjs');
  const entries = await readEntries();
  const values = new Map(Object.values(entries).flatMap((words) => Object.entries(words)));
  const taken = takenWords();
  // The documents of three entries have one name in the corpus.
  const inCorpus = exercised({ ...entries, fleet: { ...entries.fleet, ...entries.manifest, ...entries.schedule } });
  const exported = new Set(values.keys());
  const needed = new Set([...exported].filter((name) => taken.has(name) || inCorpus.has(values.get(name))));
  const faults = faultsOf({ exported, needed, waiting: JSON.parse(read('tools/words-waiting.json')) });
  for (const fault of faults) console.error(fault);
  console.log(`${exported.size} words, ${needed.size} in use, ${exported.size - needed.size} waiting`);
  return faults.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exit(await main());
