/**
 * What a library offers, read from the declarations that the compiler emitted: every name of every entry with its text, the
 * types without a name of their own that those are made of, and for each whether callers are given it or hand it in.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from 'oxc-parser';

/**
 * @typedef {{ name: string, file: string, text: string, uses: Set<'given' | 'taken'> }} Declaration
 *
 * Entry → `{ names, borrowed, parts }`: exported name → declaration; exported names of other packages, as lines; what those
 * names are made of and no entry of this library exports.
 *
 * @param {Record<string, string>} entries entry (`.`, `./socket`) → path of its `.d.ts`
 */
export function readApi(entries) {
  const modules = openModules();
  const named = new Map();
  for (const [entry, path] of Object.entries(entries)) {
    const names = new Map();
    const borrowed = [];
    for (const [name, { file, local, foreign }] of modules.exportsOf(path)) {
      if (foreign) borrowed.push(`export { ${name} } from '${foreign}';`);
      else names.set(name, modules.declaration(file, local));
    }
    named.set(entry, { names, borrowed: borrowed.sort() });
  }
  const exported = new Set([...named.values()].flatMap(({ names }) => [...names.values()]));
  return new Map(
    [...named].map(([entry, api]) => {
      const reached = modules.reach([...api.names.values()]);
      return [entry, { ...api, parts: [...reached].filter((declaration) => !exported.has(declaration)) }];
    }),
  );
}

/** The modules of a library, each read once. */
function openModules() {
  const read = new Map();
  const declarations = new Map();
  const moduleOf = (file) => {
    if (!read.has(file)) read.set(file, readModule(file));
    return read.get(file);
  };

  /** Where an exported name is declared: `{ file, local }`, or `{ foreign }` for one of another package. */
  function resolveExport(file, name) {
    const found = moduleOf(file).exports.get(name);
    if (!found) {
      for (const star of moduleOf(file).stars) {
        const further = star.startsWith('.') ? resolveExport(declarationFile(file, star), name) : undefined;
        if (further) return further;
      }
      return undefined;
    }
    if (found.from) return resolveFrom(file, found);
    return resolveLocal(file, found.local);
  }

  function resolveFrom(file, { from, name }) {
    if (!from.startsWith('.')) return { foreign: from };
    const target = declarationFile(file, from);
    if (name === '*') return { file: target, local: '*' };
    return resolveExport(target, name);
  }

  /** Where a name that a file uses is declared; undefined for one of the language. */
  function resolveLocal(file, local) {
    const module = moduleOf(file);
    if (module.locals.has(local)) return { file, local };
    const imported = module.imports.get(local);
    return imported && resolveFrom(file, imported);
  }

  function declaration(file, local) {
    const key = `${file} ${local}`;
    if (!declarations.has(key)) {
      const nodes = local === '*' ? [] : moduleOf(file).locals.get(local);
      const text =
        local === '*' ? `// everything of ${file}` : nodes.map((node) => moduleOf(file).textOf(node)).join('\n');
      declarations.set(key, { name: local, file, nodes, text, uses: new Set() });
    }
    return declarations.get(key);
  }

  return {
    declaration,
    exportsOf(file) {
      const module = moduleOf(file);
      const further = module.stars.flatMap((star) =>
        star.startsWith('.') ? [...moduleOf(declarationFile(file, star)).exports.keys()] : [],
      );
      return [...new Set([...module.exports.keys(), ...further])].map((name) => [name, resolveExport(file, name)]);
    },
    /** Everything that the given declarations are made of, themselves included; marks how each is used. */
    reach(roots) {
      const reached = new Set(roots);
      const visit = (found, use) => {
        reached.add(found);
        if (found.uses.has(use)) return;
        found.uses.add(use);
        const refer = (name, at) => {
          const target = resolveLocal(found.file, name);
          if (target?.file && target.local !== '*') visit(declaration(target.file, target.local), at);
        };
        for (const node of found.nodes) walk(node, use, refer);
      };
      // A type by itself is neither; what functions, values and classes take and give says which.
      for (const root of roots) if (!root.nodes.some(isType)) visit(root, 'given');
      for (const root of roots) if (root.uses.size === 0) visit(root, 'given');
      return reached;
    },
  };
}

const isType = ({ type }) => type === 'TSInterfaceDeclaration' || type === 'TSTypeAliasDeclaration';

const opposite = { given: 'taken', taken: 'given' };

/** Tells `refer` of every name that a declaration refers to, and on which side of a call it stands. */
function walk(node, use, refer) {
  if (!node || typeof node !== 'object') return;
  if (Array.isArray(node)) {
    for (const child of node) walk(child, use, refer);
    return;
  }
  const name = referredName(node);
  if (name) refer(name, use);
  for (const [key, child] of Object.entries(node))
    walk(child, key === 'params' && !node.isArguments ? turned(node, use) : use, refer);
}

/** Parameters of a call are on the other side than what it answers; arguments of a generic type are not. */
const turned = ({ type }, use) => (/^TSTypeParameter/.test(type) ? use : opposite[use]);

function referredName({ type, typeName, exprName, expression, superClass }) {
  if (type === 'TSTypeReference') return leftmost(typeName);
  if (type === 'TSTypeQuery') return leftmost(exprName);
  if (type === 'TSInterfaceHeritage' || type === 'TSClassImplements') return leftmost(expression);
  if (type === 'ClassDeclaration' && superClass) return leftmost(superClass);
  return undefined;
}

const leftmost = (node) => (node?.type === 'TSQualifiedName' ? leftmost(node.left) : (node?.object ?? node)?.name);

/** The `.d.ts` beside a file that a specifier with or without an extension means. */
function declarationFile(file, specifier) {
  const path = join(dirname(file), specifier).replace(/\.(js|ts)$/, '');
  const found = [`${path}.d.ts`, join(path, 'index.d.ts')].find(existsSync);
  if (!found) throw new Error(`${file} refers to ${specifier}, and there is no such declaration`);
  return found;
}

/** Exports, imports and declarations of one file. */
function readModule(file) {
  const source = readFileSync(file, 'utf8');
  const { program, comments, errors } = parseSync(file, source, { lang: 'dts' });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
  const module = { exports: new Map(), stars: [], imports: new Map(), locals: new Map() };
  for (const node of program.body) {
    const declared = node.declaration ?? node;
    if (node.type === 'ImportDeclaration') readImports(module, node);
    else if (node.type === 'ExportAllDeclaration' && !node.exported) module.stars.push(node.source.value);
    else if (node.type === 'ExportAllDeclaration')
      module.exports.set(node.exported.name, { from: node.source.value, name: '*' });
    else if (node.specifiers?.length > 0) readSpecifiers(module, node);
    for (const name of namesOf(declared)) {
      module.locals.set(name, [...(module.locals.get(name) ?? []), declared]);
      if (node.type === 'ExportNamedDeclaration') module.exports.set(name, { local: name });
    }
  }
  module.textOf = ({ start, end }) => withoutComments(source, comments, start, end);
  return module;
}

function readImports({ imports }, { source, specifiers }) {
  for (const { type, local, imported } of specifiers)
    imports.set(local.name, { from: source.value, name: type === 'ImportNamespaceSpecifier' ? '*' : imported?.name });
}

function readSpecifiers({ exports }, { source, specifiers }) {
  for (const { local, exported } of specifiers)
    exports.set(exported.name, source ? { from: source.value, name: local.name } : { local: local.name });
}

function namesOf({ declarations, id }) {
  if (declarations) return declarations.map((declarator) => declarator.id.name);
  return id?.name ? [id.name] : [];
}

/** Prose may change from one version to the next: it is no part of what is promised here. */
function withoutComments(source, comments, start, end) {
  let text = '';
  let at = start;
  for (const comment of comments.filter((one) => one.start >= start && one.end <= end)) {
    text += source.slice(at, comment.start);
    at = comment.end;
  }
  return (text + source.slice(at, end)).replaceAll(/[ \t]+$/gm, '').replaceAll(/\n{2,}/g, '\n');
}
