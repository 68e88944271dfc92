/**
 * Words of `shared` that nobody needs: names that an entry exports as a value and that neither the product imports nor the
 * frozen corpus holds (as a document, inside one, or as what reads or writes one). `words-waiting.json` names those that
 * a part of the system will use which is not built yet, by that part. Exits 1 with one line for a word without a user that is
 * not in that list, and for one in the list that has a user or is gone. Runs under `--conditions=@kanade/source`.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exercised } from '../packages/shared/build/corpus.mjs';
import { isTestFile, sourceFiles } from './source-files.mjs';
import { root } from './toolchain.mjs';

const shared = 'packages/shared';

/** Entry → its exports. */
async function readEntries() {
  const { exports } = JSON.parse(readFileSync(join(root, shared, 'package.json'), 'utf8'));
  const sources = Object.entries(exports).filter(([, targets]) => targets['@kanade/source'] !== undefined);
  return Object.fromEntries(
    await Promise.all(
      sources.map(async ([entry, targets]) => [
        entry.slice('./'.length),
        await import(join(root, shared, targets['@kanade/source'])),
      ]),
    ),
  );
}

/** Names that the text takes from an entry of `shared`, by import or through a namespace. */
function wordsOf(text) {
  const words = [];
  for (const [, list, namespace] of text.matchAll(
    /(?:import|export)\s+(?:type\s+)?(?:\{([^}]*)\}|\*\s+as\s+(\w+))\s+from\s+'@kanade\/shared\//g,
  )) {
    if (namespace)
      words.push(...[...text.matchAll(new RegExp(`\\b${namespace}\\.(\\w+)`, 'g'))].map(([, name]) => name));
    else
      words.push(
        ...list.split(',').map(
          (word) =>
            word
              .trim()
              .replace(/^type /, '')
              .split(/\s/)[0],
        ),
      );
  }
  return words.filter((word) => word !== '');
}

const read = (path) => readFileSync(join(root, path), 'utf8');
const product = sourceFiles().filter(({ path }) => !isTestFile(path) && !path.startsWith(`${shared}/`));
const builds = globSync(`${shared}/build/schema.mjs`, { cwd: root }).map((path) => ({ path, text: read(path) }));
const corpora = globSync(`${shared}/test/{corpus-suite,*-corpus.test}.ts`, { cwd: root }).map((path) => ({
  text: read(path),
}));
const used = new Set([...product, ...builds, ...corpora].flatMap(({ text }) => wordsOf(text)));

const entries = await readEntries();
const inCorpus = exercised(entries);
const exported = new Map(Object.values(entries).flatMap((words) => Object.entries(words)));
const needed = [...exported].filter(([name, value]) => used.has(name) || inCorpus.has(value)).map(([name]) => name);

const waiting = JSON.parse(read('tools/words-waiting.json'));
const marked = new Map(Object.entries(waiting).flatMap(([part, words]) => words.map((word) => [word, part])));
const faults = [
  ...[...exported.keys()]
    .filter((name) => !needed.includes(name) && !marked.has(name))
    .map(
      (name) =>
        `${name}: nobody uses this word of shared: remove it, or say in tools/words-waiting.json what it waits for`,
    ),
  ...[...marked]
    .filter(([name]) => !exported.has(name) || needed.includes(name))
    .map(([name, part]) => `${name}: waits for ${part} no longer: ${exported.has(name) ? 'it is used' : 'it is gone'}`),
];
for (const fault of faults.sort()) console.error(fault);
console.log(`${exported.size} words, ${needed.length} in use, ${marked.size} waiting`);
process.exit(faults.length === 0 ? 0 : 1);
