/** Which kind of output a command has (contract, section 7.7, step 1). */
import type { Kind } from './kinds.ts';
import { commandsOf, programOf } from './shell-words.ts';

const shells = new Set(['sh', 'bash', 'zsh', 'dash', 'ksh', 'ash']);

/**
 * The kind of a command, given as its words, as one shell string, or behind `sh -c`, `bash -lc` and the like. Of several commands in one string those that
 * say nothing (`cd`, `export`) do not count, and all others have to agree. Undefined where no route fits.
 */
export function kindByCommand(words: readonly string[]): Kind | undefined {
  const script = scriptIn(words);
  if (script === undefined) return kindOfWords(words);
  let kind: Kind | undefined;
  for (const command of commandsOf(script)) {
    if (silent.has(programOf(command[0] ?? '')) || command.every((word) => assignment.test(word))) continue;
    const next = kindOfWords(command);
    if (next === undefined || (kind !== undefined && kind !== next)) return undefined;
    kind = next;
  }
  return kind;
}

function scriptIn(words: readonly string[]): string | undefined {
  const [first = '', ...rest] = words;
  if (words.length === 1) return first;
  if (!shells.has(programOf(first))) return undefined;
  const at = rest.findIndex((word) => /^-[a-z]*c$/.test(word));
  return at >= 0 && rest.slice(0, at).every((word) => word.startsWith('-')) ? rest[at + 1] : undefined;
}

const silent = new Set([
  'cd',
  'export',
  'set',
  'unset',
  'mkdir',
  'source',
  '.',
  ':',
  'true',
  'pushd',
  'popd',
  'sleep',
  'umask',
  'ulimit',
  'rm',
  'touch',
]);
const assignment = /^[A-Za-z_]\w*=/;

/** Programs in front of another command, with how many words of their own follow them. */
const wrappers: Readonly<Record<string, number>> = {
  ...{ time: 0, nohup: 0, nice: 0, sudo: 0, exec: 0, command: 0, stdbuf: 0, ionice: 0, unbuffer: 0, setsid: 0 },
  ...{ timeout: 1, npx: 0, bunx: 0, pnpx: 0, uvx: 0 },
};
const runners: Readonly<Record<string, readonly string[]>> = {
  ...{ pnpm: ['exec', 'dlx'], yarn: ['exec', 'dlx'], npm: ['exec', 'x'], bun: ['x'] },
  ...{ uv: ['run'], poetry: ['run'], pipenv: ['run'], hatch: ['run'], rye: ['run'], corepack: ['pnpm', 'yarn'] },
};

/** The command behind assignments and wrappers. */
function bare(given: readonly string[]): readonly string[] {
  let words = given;
  for (let step = 0; step < 8; step++) {
    const [first = '', second = ''] = words;
    const name = programOf(first);
    if (assignment.test(first)) words = words.slice(1);
    else if (name === 'env' && words.length > 1) words = afterOptions(words.slice(1));
    else if (Object.hasOwn(wrappers, name) && words.length > 1)
      words = afterOptions(words.slice(1)).slice(wrappers[name]);
    else if (Object.hasOwn(runners, name) && runners[name]?.includes(second))
      words = afterOptions(name === 'corepack' ? words.slice(1) : words.slice(2));
    else if (/^python(?:[23](?:\.\d+)?)?$/.test(name) && second === '-m') words = words.slice(2);
    else return words;
  }
  return words;
}

const afterOptions = (words: readonly string[]): readonly string[] => {
  const at = words.findIndex((word) => !word.startsWith('-'));
  return at < 0 ? [] : words.slice(at);
};

function kindOfWords(given: readonly string[]): Kind | undefined {
  const [first = '', ...rest] = bare(given).map((word) => plainWord(unquotedWord(word)));
  const family = families[first];
  return Object.hasOwn(families, first) && family ? family(rest, given) : undefined;
}

/** A path in an option is part of it. */
const plainWord = (word: string): string => (word.startsWith('-') ? word.toLowerCase() : programOf(word));

const unquotedWord = (word: string): string => word.replace(/^["']+|["']+$/g, '');

type Family = (rest: readonly string[], given: readonly string[]) => Kind | undefined;

const always =
  (kind: Kind): Family =>
  () =>
    kind;
const firstOf = (rest: readonly string[]): string => rest.find((word) => !word.startsWith('-')) ?? '';

const gitKinds: Readonly<Record<string, Kind>> = {
  ...{ status: 'git-status', log: 'git-log', diff: 'git-diff', show: 'git-show', push: 'git-push' },
  ...{ pull: 'git-pull', branch: 'git-branch', stash: 'git-stash' },
};
const gitValued = new Set(['-c', '--git-dir', '--work-tree']);

/** `git -C DIR -c name=value status` → `status`. Options were lowered with everything else: `-C` reads as `-c`. */
const git: Family = (rest) => {
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? '';
    if (gitValued.has(word)) at++;
    else if (!word.startsWith('-')) return gitKinds[word] ?? 'git';
  }
  return 'git';
};

const nodePackages: Family = (rest) => {
  const words = rest.filter((word) => !word.startsWith('-'));
  const [verb = '', script = ''] = words;
  if (verb === 'test' || verb === 't' || (verb.startsWith('run') && /^test(?::|$)/.test(script))) return 'js-test';
  return /^(?:install|i|ci|add|list|ls|outdated)$/.test(verb) ? 'js-packages' : undefined;
};

const pip: Family = (rest) => (/^(?:list|outdated|freeze)$/.test(firstOf(rest)) ? 'python-packages' : undefined);

const docker: Family = (rest) => {
  const words = rest.filter((word) => !word.startsWith('-'));
  const isLogs = words[0] === 'logs' || (words[0] === 'compose' && words.includes('logs'));
  return isLogs ? 'docker-logs' : 'docker-table';
};

const families: Readonly<Record<string, Family>> = {
  git,
  cargo: (rest) =>
    /^(?:test|t|nextest)$/.test(rest.find((word) => !/^[-+]/.test(word)) ?? '') ? 'cargo-test' : undefined,
  tsc: always('typescript'),
  next: (rest) => (firstOf(rest) === 'build' ? 'typescript' : undefined),
  eslint: always('js-lint'),
  biome: always('js-lint'),
  prettier: (rest) => (rest.includes('--check') || rest.includes('-c') ? 'js-lint' : undefined),
  ...{ npm: nodePackages, pnpm: nodePackages, yarn: nodePackages },
  ...{ vitest: always('js-test'), jest: always('js-test'), mocha: always('js-test') },
  node: (rest) => (rest.includes('--test') ? 'js-test' : undefined),
  ...{ pytest: always('python-test'), 'py.test': always('python-test'), unittest: always('python-test') },
  ruff: (rest) => (/^(?:check|format)$/.test(firstOf(rest)) ? 'python-lint' : undefined),
  mypy: always('python-typecheck'),
  ...{ pip, pip3: pip },
  uv: (rest) => (firstOf(rest) === 'pip' ? pip(rest.slice(rest.indexOf('pip') + 1), []) : undefined),
  go: (rest) => (rest[0] === 'test' ? 'go-test' : /^(?:build|vet)$/.test(rest[0] ?? '') ? 'go-diagnostics' : undefined),
  'golangci-lint': (rest) => (firstOf(rest) === 'run' ? 'go-diagnostics' : undefined),
  ...{ rg: always('search'), grep: always('search'), egrep: always('search'), fgrep: always('search') },
  ...{ ls: always('list'), tree: always('list'), find: always('list'), fd: always('list') },
  ...{ cat: always('file-text'), head: always('file-text'), tail: always('file-text') },
  jq: always('json-structure'),
  ...{ env: always('env'), printenv: always('env') },
  docker,
  kubectl: (rest) => (firstOf(rest) === 'logs' ? 'kubernetes-logs' : 'kubernetes-table'),
  ...{ gh: always('github-cli'), glab: always('gitlab-cli'), aws: always('aws'), psql: always('psql-table') },
  ...{ curl: always('http-transfer'), wget: always('http-transfer') },
  journalctl: always('logs'),
};
