/** Which words may come next. */
import { listJobs } from '@kanade/runner';
import { jobStates } from '@kanade/shared/job';
import { globalOptions, type OptionTable } from '../arguments.ts';
import type { CommandSpec } from '../command.ts';
import { shells } from './registration.ts';

export interface Candidate {
  readonly value: string;
  readonly help?: string;
}

export interface Question {
  /** Words between the program's name and the one that is typed. */
  readonly before: readonly string[];
  readonly typed: string;
  readonly commands: readonly CommandSpec[];
  readonly aliases: Readonly<Record<string, string>>;
  readonly root: string;
  readonly cwd: string;
}

/** States of jobs that a command can work on; a command that is not named here takes every job. */
const statesFor: Readonly<Record<string, readonly string[]>> = {
  start: ['created'],
  wait: ['created', 'running'],
  watch: ['created', 'running'],
  kill: ['running'],
  delete: ['exited', 'killed', 'failed'],
};

const valuesOf: Readonly<Record<string, readonly string[]>> = {
  signal: ['TERM', 'INT', 'KILL', 'HUP', 'USR1', 'USR2'],
  state: [...jobStates, 'unknown'],
  wait: ['true', 'false'],
  compress: ['off'],
  rtk: ['off'],
  contract: ['0.1.18', '0.2.31'],
  'output-match-type': ['contains', 'regex'],
  'output-stream': ['stdout', 'stderr', 'either'],
};

/** Candidates that begin with what is typed. */
export function candidatesFor(question: Question): Candidate[] {
  const equals = question.typed.startsWith('--') ? question.typed.indexOf('=') : -1;
  if (equals > 0) {
    const flag = question.typed.slice(0, equals);
    return matching(
      plain(valuesOf[flag.slice(2)] ?? []).map(({ value }) => ({ value: `${flag}=${value}` })),
      question,
    );
  }
  return matching(allFor(question), question);
}

const matching = (all: readonly Candidate[], { typed }: Question): Candidate[] =>
  all.filter(({ value }) => value.startsWith(typed));

function allFor(question: Question): Candidate[] {
  const { command, positionals, pending } = readBefore(question);
  if (pending !== undefined) return plain(valuesOf[pending] ?? []);
  if (question.typed.startsWith('-')) return optionNames({ ...command?.options, ...globalOptions });
  if (!command) return commandNames(question, positionals);
  if (command.name === 'completions') return positionals.length === 0 ? plain(shells) : [];
  if (!command.usage.startsWith('JOB_ID') || positionals.length > 0) return [];
  return jobIds(question, statesFor[command.name]);
}

/** Where the words lead: the command, its positional words, and the option that still wants its value. */
function readBefore({ before, commands, aliases }: Question) {
  let command: CommandSpec | undefined;
  let positionals: string[] = [];
  let pending: string | undefined;
  for (const word of before) {
    if (pending !== undefined) pending = undefined;
    else if (word.startsWith('--') && !word.includes('='))
      pending = wantsValue(word.slice(2), command) ? word.slice(2) : undefined;
    else if (!word.startsWith('-')) {
      positionals.push(word);
      if (command) continue;
      const typed = positionals.join(' ');
      command = commands.find(({ name }) => name === (aliases[typed] ?? typed));
      if (command) positionals = [];
    }
  }
  return { command, positionals, pending };
}

function wantsValue(name: string, command: CommandSpec | undefined): boolean {
  const table: OptionTable = { ...globalOptions, ...command?.options };
  const kind = Object.hasOwn(table, name) ? table[name]?.kind : undefined;
  return kind === 'text' || kind === 'texts' || kind === 'count';
}

/** Names of commands; behind `help`, of all; behind the first half of a name of two words, its second half. */
function commandNames({ commands, aliases }: Question, positionals: readonly string[]): Candidate[] {
  const typed = positionals[0] === 'help' ? positionals.slice(1) : positionals;
  const named = [
    ...commands.map(({ name, summary }) => ({ name, summary })),
    ...Object.entries(aliases).map(([name, of]) => ({ name, summary: `the same as ${of}` })),
    ...(positionals.length === 0 ? [{ name: 'help', summary: 'show one command with examples' }] : []),
  ];
  const next = new Map<string, string>();
  for (const { name, summary } of named) {
    const words = name.split(' ');
    const word = words[typed.length];
    if (word !== undefined && typed.every((part, at) => words[at] === part)) next.set(word, summary);
  }
  return [...next].map(([value, help]) => ({ value, help }));
}

const optionNames = (table: OptionTable): Candidate[] =>
  Object.entries(table).map(([name, { help }]) => ({ value: `--${name}`, help }));

function jobIds({ root, cwd }: Question, states: readonly string[] | undefined): Candidate[] {
  const { jobs } = listJobs(root, { cwd, limit: 0 });
  return jobs
    .filter(({ view }) => !states || states.includes(view.status))
    .map(({ view }) => ({ value: view.job.id, help: view.status }));
}

const plain = (values: readonly string[]): Candidate[] => values.map((value) => ({ value }));
