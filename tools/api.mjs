/**
 * The public API of the libraries, as reports in `packages/<library>/api`, a file for each entry.
 *
 *   node tools/api.mjs [packages/klp …]          compares what was built with the reports; exits 1 and says what changed, which
 *                                                version that demands, and what to do
 *   node tools/api.mjs --write [packages/klp …]  writes the reports
 *   node tools/api.mjs --since-release           compares with the reports of each library's last release: do its commits since
 *                                                then promise the version that the changes demand? One JSON line for each library
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { changesBetween, greatest, kinds } from './api/demand.mjs';
import { readApi } from './api/read-api.mjs';
import { reportOf } from './api/report.mjs';
import { libraries } from './libraries.mjs';

/** What a commit says for each kind of change. */
const commitOf = (name, kind) =>
  ({ fix: `fix(${name}): …`, feature: `feat(${name}): …`, breaking: `feat(${name})!: …` })[kind];

const fileOf = (entry) => `api/${entry === '.' ? 'index' : entry.slice(2).replaceAll('/', '-')}.api.md`;

/** File below the folder of a library → what its report has to say now. The library must be built. */
function reportsOf({ name, directory, manifest }) {
  const entries = Object.entries(manifest.publishConfig.exports).filter(([, target]) => target.types);
  const paths = entries.map(([entry, { types }]) => [entry, join(directory, types)]);
  for (const [entry, path] of paths)
    if (!existsSync(path)) throw new Error(`${name + entry.slice(1)} is not built: pnpm nx build ${name}`);
  const apis = readApi(Object.fromEntries(paths));
  // What two entries export stands in the report of the smaller one.
  const bySize = [...apis].sort(([, a], [, b]) => a.names.size - b.names.size);
  const owners = new Map();
  for (const [entry, { names }] of bySize)
    for (const declaration of names.values()) if (!owners.has(declaration)) owners.set(declaration, entry);
  return new Map(
    [...apis].map(([entry, api]) => {
      const elsewhere = new Map([...owners].filter(([, owner]) => owner !== entry));
      return [fileOf(entry), reportOf(name + entry.slice(1), api, elsewhere)];
    }),
  );
}

/** Changes of a library between its reports as `readOld(file)` knows them (undefined: there was none) and as they are now. */
function changesOf(library, readOld, oldFiles) {
  const reports = reportsOf(library);
  const files = [...new Set([...reports.keys(), ...oldFiles])];
  return files.flatMap((file) =>
    changesBetween(readOld(file) ?? '', reports.get(file) ?? '').map((change) => ({
      entry: basename(file, '.api.md'),
      ...change,
    })),
  );
}

const keptFiles = ({ directory }) => globSync('api/*.api.md', { cwd: directory });
const contents = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

/** Writes the reports of a library: `{ name, directory, manifest }`, built. */
export function writeReports(library) {
  const reports = reportsOf(library);
  mkdirSync(join(library.directory, 'api'), { recursive: true });
  for (const file of keptFiles(library)) if (!reports.has(file)) rmSync(join(library.directory, file));
  for (const [file, text] of reports) writeFileSync(join(library.directory, file), text);
}

/** Lines for a person; none when the reports are those of what was built. */
export function faultsOf(library) {
  const reports = reportsOf(library);
  const stale = [...new Set([...reports.keys(), ...keptFiles(library)])].filter(
    (file) => contents(join(library.directory, file)) !== reports.get(file),
  );
  if (stale.length === 0) return [];
  const changes = changesOf(library, (file) => contents(join(library.directory, file)), keptFiles(library));
  const kind = greatest(changes.map((change) => change.kind));
  const short = library.name.split('/').at(-1);
  return [
    `error: the public API of ${library.name} is not what packages/${short}/api says:`,
    ...changes.map(({ entry, name, change, kind }) => `error:   ${entry}: ${name} ${change} (${kind})`),
    `error: when that is meant: pnpm api --write, and a commit "${commitOf(short, kind)}"`,
  ];
}

const git = (args, cwd) => execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

/** `git`, or undefined where it has no answer. */
function asked(args, cwd) {
  try {
    return git(args, cwd);
  } catch {
    return undefined;
  }
}

/** `{ name, since, demands, promised, changes }` of a library that was released before. */
function sinceRelease(library) {
  const { name, directory } = library;
  const since = asked(['describe', '--tags', '--abbrev=0', '--match', `${name}@*`], directory)?.trim();
  if (!since) return { name, since: null };
  const short = name.split('/').at(-1);
  const oldFiles = git(['ls-tree', '--name-only', since, 'api/'], directory).split('\n').filter(Boolean);
  const changes = changesOf(library, (file) => asked(['show', `${since}:./${file}`], directory), oldFiles);
  const commits = git(['log', '--format=%B%x00', `${since}..HEAD`, '--', '.', ':(exclude)test'], directory).split('\0');
  const demands = greatest(changes.map(({ kind }) => kind));
  return { name, short, since, demands, promised: greatest(commits.map(kindOfCommit)), changes };
}

/** A commit that says `Compatible: why` answers for a change that only looks like a breaking one. */
function kindOfCommit(text) {
  const [, type, bang] = /^\s*(\w+)(?:\([^)]*\))?(!?):/.exec(text) ?? [];
  if (bang || /^BREAKING[ -]CHANGE: /m.test(text) || /^Compatible: \S/m.test(text)) return 'breaking';
  return type === 'feat' ? 'feature' : 'fix';
}

function main(args) {
  const folders = args.filter((word) => !word.startsWith('--')).map((folder) => resolve(folder));
  const chosen = libraries.filter(({ directory }) => folders.length === 0 || folders.includes(resolve(directory)));
  if (args.includes('--write')) return chosen.forEach(writeReports);
  const faults = args.includes('--since-release')
    ? faultsSinceRelease(chosen, (found) => console.log(JSON.stringify(found)))
    : chosen.flatMap(faultsOf);
  for (const fault of faults) console.error(fault);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

/** Lines for a person: libraries whose commits since the last release promise less than their changes demand. */
export function faultsSinceRelease(chosen, tell) {
  return chosen.map(sinceRelease).flatMap(({ short, ...found }) => {
    tell(found);
    if (!found.since || kinds.indexOf(found.promised) >= kinds.indexOf(found.demands)) return [];
    const wanted = found.changes
      .filter(({ kind }) => kind === found.demands)
      .map(({ name, change }) => `${name} ${change}`);
    return [
      `error: ${found.name} has changed since ${found.since} more than its commits say: ${wanted.join(', ')}. ` +
        `That demands "${commitOf(short, found.demands)}", or a line "Compatible: why" in a commit that touches it`,
    ];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
