/**
 * The shape of the house as lint errors: no import circle between files, no function over 60 lines, no file over 300, no flat folder
 * over 20 files, no two exported things of one name. `checkShape` takes texts, so that a test can plant violations.
 */
import { dirname, join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { isTestFile } from './source-files.mjs';

/** Lines of a function and of a file, files directly in a folder. */
const shapeLimits = { functionLines: 60, fileLines: 300, folderFiles: 20 };

/** What may be larger, and why. Circles have no exceptions. An entry that is no longer needed is a violation, too. */
const exceptions = {
  functions: {},
  files: {},
  folders: {},
  names: {
    Command: "the wire's order and a word of the command line: both are what their field calls it",
    Io: 'what a program is given by whoever starts it; the three programs share no package',
    OmittedRanges: 'the schema, and the form that the hot path reads without it; a test holds one against the other',
    ProcessIdentity: 'the same',
    limits: 'one table of limits per package',
    main: 'every program has one',
  },
};

/** Violations in the given files: `[{ path, text }]` → lines for people. Paths are relative to the root of the repository. */
export function checkShape(files, allowed = exceptions) {
  const sources = files.filter(({ path }) => path.includes('/src/') && !isTestFile(path) && !path.endsWith('.d.ts'));
  const modules = new Map(sources.map((file) => [file.path, readModule(file)]));
  return [
    ...circles(modules).map((circle) => `import circle: ${circle.join(' → ')}`),
    ...judge('functions', largeFunctions(modules), allowed),
    ...judge('files', largeFiles(sources), allowed),
    ...judge('folders', largeFolders(sources), allowed),
    ...judge('names', sharedNames(modules), allowed),
  ];
}

/** Findings that no exception names, and exceptions that name no finding: `[key, words]` → lines. */
function judge(kind, findings, allowed) {
  const excused = allowed[kind];
  const found = new Set(findings.map(([key]) => key));
  return [
    ...findings.filter(([key]) => !Object.hasOwn(excused, key)).map(([, words]) => words),
    ...Object.keys(excused)
      .filter((key) => !found.has(key))
      .map((key) => `${key}: the exception for ${kind} is no longer needed: remove it from tools/shape.mjs`),
  ];
}

/** Imports, exported names and functions of one file. */
function readModule({ path, text }) {
  const { program, module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap((entry) => entry.moduleRequest?.value ?? [])),
  ];
  const exported = module.staticExports.flatMap(({ entries }) =>
    entries.filter((entry) => !entry.moduleRequest && entry.exportName.name).map((entry) => entry.exportName.name),
  );
  return { specifiers, exported: new Set(exported), functions: functionsOf(program, text) };
}

function functionsOf(program, text) {
  const functions = [];
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const lineOf = (offset) => lineStarts.findLastIndex((start) => start <= offset) + 1;
  const note = (node, name) => {
    if (node.body) functions.push({ name, from: lineOf(node.start), to: lineOf(node.end) });
  };
  const named = new Map();
  new Visitor({
    VariableDeclarator: ({ id, init }) => named.set(init, id.name),
    Property: ({ key, value }) => named.set(value, key.name),
    MethodDefinition: ({ key, value }) => named.set(value, key.name),
    FunctionDeclaration: (node) => note(node, node.id?.name),
    FunctionExpression: (node) => note(node, named.get(node)),
    ArrowFunctionExpression: (node) => note(node, named.get(node)),
  }).visit(program);
  return functions;
}

function largeFunctions(modules) {
  return [...modules].flatMap(([path, { functions }]) =>
    functions
      .map(({ name, from, to }) => ({ key: `${path}:${name ?? `line ${from}`}`, from, lines: to - from + 1 }))
      .filter(({ lines }) => lines > shapeLimits.functionLines)
      .map(({ key, from, lines }) => [
        key,
        `${key} (line ${from}) has ${lines} lines: the limit for a function is ${shapeLimits.functionLines}`,
      ]),
  );
}

function largeFiles(sources) {
  return sources
    .filter(({ path }) => /\.tsx?$/.test(path))
    .map(({ path, text }) => [path, text.split('\n').length - 1])
    .filter(([, lines]) => lines > shapeLimits.fileLines)
    .map(([path, lines]) => [path, `${path} has ${lines} lines: the limit for a file is ${shapeLimits.fileLines}`]);
}

function largeFolders(sources) {
  const counts = new Map();
  for (const { path } of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > shapeLimits.folderFiles)
    .map(([path, count]) => [path, `${path} has ${count} files: the limit for a folder is ${shapeLimits.folderFiles}`]);
}

/** Two things of one name in two files. A re-export is no second thing. */
function sharedNames(modules) {
  const homes = new Map();
  for (const [path, { exported }] of modules) {
    for (const name of exported) homes.set(name, [...(homes.get(name) ?? []), path]);
  }
  return [...homes]
    .filter(([, paths]) => paths.length > 1)
    .map(([name, paths]) => [name, `${name} is exported by ${paths.length} files: ${paths.join(', ')}`]);
}

/** One circle per strongly connected set of files, as the files on it. */
function circles(modules) {
  const edges = new Map(
    [...modules].map(([path, { specifiers }]) => [
      path,
      specifiers.filter((name) => name.startsWith('.')).map((name) => join(dirname(path), name)),
    ]),
  );
  const state = new Map();
  const found = [];
  const walk = (path, trail) => {
    if (state.get(path) === 'done' || !edges.has(path)) return;
    if (state.get(path) === 'open') {
      found.push([...trail.slice(trail.indexOf(path)), path]);
      return;
    }
    state.set(path, 'open');
    for (const next of edges.get(path)) walk(next, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of edges.keys()) walk(path, []);
  return found;
}
