/** Which words may come next. */
import { readdirSync } from 'node:fs';
import { openJobs } from '@kanade/runner';
import { type Command, type Door, globalOptions, type House, type OptionTable } from '../command.ts';

export interface Candidate {
  readonly value: string;
  readonly help?: string;
}

export interface Question {
  /** Words between the program's name and the one that is typed. */
  readonly before: readonly string[];
  readonly typed: string;
  readonly house: House;
  readonly root: string;
  readonly cwd: string;
  /** The shell leaves file names to us; others complete them themselves where we have nothing to offer. */
  readonly listsFiles: boolean;
}

/** States of jobs that a command can work on; a command that is not named here takes every job. */
const statesFor: Readonly<Record<string, readonly string[]>> = {
  start: ['created'],
  wait: ['created', 'running'],
  watch: ['created', 'running'],
  kill: ['running'],
  delete: ['exited', 'killed', 'failed'],
};

/** Candidates that begin with what is typed. Another door is loaded when its word is there. */
export async function candidatesFor(question: Question): Promise<Candidate[]> {
  const place = await readBefore(question.before, question.house);
  const { typed } = question;
  const equals = typed.startsWith('--') ? typed.indexOf('=') : -1;
  const flag = equals > 0 ? typed.slice(2, equals) : undefined;
  const all =
    flag === undefined
      ? allFor(question, place)
      : offerFor(question, place, flag).map((one) => ({
          ...candidateOf(one),
          value: `--${flag}=${candidateOf(one).value}`,
        }));
  return all.map(candidateOf).filter(({ value }) => value.startsWith(typed));
}

const candidateOf = (each: Candidate | string): Candidate => (typeof each === 'string' ? { value: each } : each);

/** Values of an option: those of its table, jobs, or queues. */
function offerFor(question: Question, place: Place, name: string): Offer {
  const { value, values } = specOf(place, name) ?? {};
  if (values || place.door.name !== '') return values ?? [];
  if (value === 'JOB') return jobIds(question, undefined);
  return name === 'queue' ? queueNames(question) : [];
}

const queueNames = ({ root }: Question): string[] =>
  openJobs(root, { keeper: 'process' })
    .queues()
    .map(({ name }) => name);

type Offer = readonly (Candidate | string)[];

function allFor(question: Question, place: Place): Offer {
  const { door, command, positionals, pending } = place;
  // Programs of their own: their options are not ours.
  if (question.house.otherPrograms.some(({ name }) => door.name === '' && !command && name === positionals[0]))
    return question.typed.startsWith('-') ? ['--help'] : [];
  if (pending !== undefined) return offerFor(question, place, pending);
  if (question.typed.startsWith('-')) return optionNames(tableOf(place));
  if (!command) return commandNames(door, positionals, question.house);
  if (command.words) return positionals.length === 0 ? command.words : [];
  if (command.usage.startsWith('FILE')) return question.listsFiles ? filesFor(question) : [];
  if (door.name === '' && command.usage === 'NAME' && positionals.length === 0) return queueNames(question);
  if (!command.usage.startsWith('JOB_ID') || positionals.length > 0) return [];
  return jobIds(question, statesFor[command.name]);
}

/** Where the words lead: door, command, its positional words, and the option that still wants its value. */
interface Place {
  door: Door;
  command?: Command;
  positionals: string[];
  pending?: string | undefined;
}

const tableOf = ({ door, command }: Place): OptionTable => ({ ...command?.options, ...door.options, ...globalOptions });

function specOf(place: Place, name: string) {
  const table = tableOf(place);
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

async function readBefore(before: readonly string[], house: House): Promise<Place> {
  const place: Place = { door: house.local, positionals: [] };
  for (const word of before) {
    if (place.pending !== undefined) place.pending = undefined;
    else if (word.startsWith('--') && !word.includes('=')) {
      const kind = specOf(place, word.slice(2))?.kind;
      if (kind === 'text' || kind === 'texts' || kind === 'count') place.pending = word.slice(2);
    } else if (!word.startsWith('-')) await takeWord(place, word, house);
  }
  return place;
}

/** A word names the door, the command, or is one of its own. */
async function takeWord(place: Place, word: string, { local, otherDoors }: House): Promise<void> {
  const { door, command, positionals } = place;
  const behindHelp = positionals.filter((known) => known !== 'help');
  if (!command && door === local && behindHelp.length === 0) {
    const entry = otherDoors.find(({ name }) => name === word);
    if (entry) place.door = await entry.load();
    if (entry) return;
  }
  positionals.push(word);
  if (command) return;
  const typed = positionals.join(' ');
  const found = door.commands.find(({ name }) => name === (door.aliases[typed] ?? typed));
  if (!found) return;
  place.command = found;
  place.positionals = [];
}

/** Names of commands; behind `help`, of all; behind the first half of a name of two words, its second half. */
function commandNames(
  door: Door,
  positionals: readonly string[],
  { local, otherDoors, otherPrograms }: House,
): Candidate[] {
  const typed = positionals[0] === 'help' ? positionals.slice(1) : positionals;
  const named = [
    ...door.commands.map(({ name, summary }) => ({ name, summary })),
    ...Object.entries(door.aliases).map(([name, of]) => ({ name, summary: `the same as ${of}` })),
    ...(door === local ? otherDoors : []),
    ...(door === local && positionals.length === 0 ? otherPrograms : []),
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
  const { jobs } = openJobs(root, { keeper: 'process' }).list({ cwd });
  return (
    jobs
      // One that waits for its turn can be ended as one that runs.
      .filter(
        ({ view, place }) => !states || states.includes(place && states === statesFor.kill ? 'running' : view.status),
      )
      .map(({ view }) => ({ value: view.job.id, help: view.status }))
  );
}

/** Files in the directory that the word has led to so far. */
function filesFor({ typed }: Question): string[] {
  const dir = typed.slice(0, typed.lastIndexOf('/') + 1);
  try {
    return readdirSync(dir || '.', { withFileTypes: true }).map(
      (entry) => `${dir}${entry.name}${entry.isDirectory() ? '/' : ''}`,
    );
  } catch {
    return []; // no such directory
  }
}
