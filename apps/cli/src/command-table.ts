/** Every command of this machine's door, in the order of the help. The reference page is made from this table too. */
import type { CommandSpec } from './command.ts';
import { completions } from './commands/completions.ts';
import { create } from './commands/create.ts';
import { deleteCommand } from './commands/delete.ts';
import { doctor } from './commands/doctor.ts';
import { gc } from './commands/gc.ts';
import { installSkills } from './commands/install-skills.ts';
import { kill } from './commands/kill.ts';
import { list, ps } from './commands/list.ts';
import { notifySet } from './commands/notify-set.ts';
import { restart } from './commands/restart.ts';
import { run } from './commands/run.ts';
import { schema } from './commands/schema.ts';
import { serveRoot } from './commands/serve-root.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { tagSet } from './commands/tag-set.ts';
import { tail } from './commands/tail.ts';
import { wait } from './commands/wait.ts';
import { watch } from './commands/watch.ts';

export const commands: readonly CommandSpec[] = [
  run,
  create,
  start,
  restart,
  status,
  wait,
  watch,
  tail,
  kill,
  list,
  ps,
  tagSet,
  notifySet,
  deleteCommand,
  gc,
  doctor,
  schema,
  completions,
  installSkills,
];

/** Other names of commands. */
export const aliases: Readonly<Record<string, string>> = { rm: 'delete' };

/** The command that the first one or two words name, and the words behind them. */
export function findCommand(words: readonly string[]): { command: CommandSpec; rest: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const typed = words.slice(0, length).join(' ');
    const name = Object.hasOwn(aliases, typed) ? aliases[typed] : typed;
    const command = [...commands, serveRoot].find((known) => known.name === name);
    if (command) return { command, rest: words.slice(length) };
  }
  return undefined;
}
