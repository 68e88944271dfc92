/** What the frozen corpus covers, for the table of the README and for the list of words in use. */
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packageDir = fileURLToPath(new URL('..', import.meta.url));

export const isSchema = (value) => typeof value === 'object' && value !== null && '_zod' in value;

/** Files of the frozen corpus per vocabulary and type: documents, what is written of them, and malformed ones. */
export function countCorpus() {
  const counts = {};
  for (const file of globSync('test/corpus/*/*/*.json', { cwd: packageDir })) {
    const [version = '', type] = file.split(/[\\/]/).slice(2);
    const [vocabulary] = version.split('-');
    counts[vocabulary] ??= {};
    counts[vocabulary][type] = (counts[vocabulary][type] ?? 0) + 1;
  }
  return counts;
}

/** Schemas that the corpus exercises, by themselves or inside a document of another type; `words` by vocabulary and name. */
export function exercised(words) {
  const found = new Set();
  for (const [vocabulary, types] of Object.entries(countCorpus())) {
    for (const type of Object.keys(types))
      if (isSchema(words[vocabulary][type])) addParts(words[vocabulary][type], found);
  }
  return found;
}

/** The schema and every schema in it. */
function addParts(schema, found) {
  if (found.has(schema)) return;
  found.add(schema);
  const {
    innerType,
    in: input,
    out,
    element,
    keyType,
    valueType,
    options = [],
    items = [],
    shape = {},
  } = schema._zod.def;
  const parts = [innerType, input, out, element, keyType, valueType, ...options, ...items, ...Object.values(shape)];
  for (const part of parts) if (isSchema(part)) addParts(part, found);
}
