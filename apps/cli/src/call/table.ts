/** Every command of this machine's door, in the order of the help. The reference page is made from this table too. */

import { completions } from '../commands/local/completions.ts';
import { create } from '../commands/local/create.ts';
import { deleteCommand } from '../commands/local/delete.ts';
import { doctor } from '../commands/local/doctor.ts';
import { gc } from '../commands/local/gc.ts';
import { installSkills } from '../commands/local/install-skills.ts';
import { kill } from '../commands/local/kill.ts';
import { list, ps } from '../commands/local/list.ts';
import { notifySet } from '../commands/local/notify-set.ts';
import { restart } from '../commands/local/restart.ts';
import { run } from '../commands/local/run.ts';
import { schema } from '../commands/local/schema.ts';
import { serveRoot } from '../commands/local/serve-root.ts';
import { start } from '../commands/local/start.ts';
import { status } from '../commands/local/status.ts';
import { tagSet } from '../commands/local/tag-set.ts';
import { tail } from '../commands/local/tail.ts';
import { wait } from '../commands/local/wait.ts';
import { watch } from '../commands/local/watch.ts';
import type { CommandSpec } from './command.ts';

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
