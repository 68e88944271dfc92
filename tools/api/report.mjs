/** The report of an entry: a text that is kept beside the library, so that a review sees every change of a public name. */

/** The text of a report. `elsewhere`: declaration → the smaller entry of the same library that exports it, too. */
export function reportOf(specifier, { names, borrowed, parts }, elsewhere) {
  const own = [...names].filter(([, declaration]) => !elsewhere.has(declaration));
  const others = [...names].filter(([, declaration]) => elsewhere.has(declaration));
  const sections = [
    `# \`${specifier}\``,
    'What this entry offers, made by `pnpm api --write` from what the compiler emitted: a change here is a change for whoever builds on it.',
    block([
      ...borrowed,
      ...others.map(([name, declaration]) => `export { ${name} } from '${elsewhere.get(declaration)}';`).sort(),
    ]),
    block(own.map(([name, declaration]) => chunk(name, declaration, 'export ')).sort(byName)),
  ];
  const hidden = parts.map((declaration) => chunk(declaration.name, declaration, '')).sort(byName);
  if (hidden.length > 0) sections.push('What these are made of, without a name of its own:', block(hidden));
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

const block = (chunks) =>
  chunks.length === 0 ? '' : `\`\`\`ts\n${chunks.join(chunks[0].startsWith('export {') ? '\n' : '\n\n')}\n\`\`\``;

function chunk(name, { name: local, text, uses, nodes }, prefix) {
  const renamed = name === local ? '' : `// as ${name}\n`;
  const isType = nodes.some(({ type }) => type.startsWith('TS') && type !== 'TSDeclareFunction');
  const side = isType && uses.size > 0 ? `// ${[...uses].sort().join(' and ')}\n` : '';
  const lines = text
    .split('\n')
    .map((line) => (/^(declare|abstract|class|function|const|interface|type) ?/.test(line) ? prefix + line : line));
  return renamed + side + lines.join('\n');
}

const nameOf = (text) =>
  /^\/\/ as (\S+)/.exec(text)?.[1] ??
  /(?:class|function|const|interface|type|enum) (\w+)/.exec(text.replaceAll(/^\/\/.*\n/gm, ''))?.[1] ??
  text;
const byName = (a, b) => (nameOf(a) < nameOf(b) ? -1 : 1);

/** Name → what a report says of it, for comparing; names without an export of their own begin with a space. */
export function readReport(text) {
  const found = new Map();
  const [open, hidden = ''] = text.split('\nWhat these are made of, without a name of its own:\n');
  for (const [part, prefix] of [
    [open, ''],
    [hidden, ' '],
  ])
    for (const [, body] of part.matchAll(/```ts\n([\s\S]*?)\n```/g))
      for (const piece of body.startsWith('export {') ? body.split('\n') : body.split('\n\n'))
        found.set(prefix + (/^export \{ (\w+) \}/.exec(piece)?.[1] ?? nameOf(piece)), piece);
  return found;
}
