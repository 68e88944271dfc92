/** `kanade outbox …`: looks into an outbox file, or repairs it, while the program that owns it may be running. */
import { type OptionTable, parseWords, UsageError } from '../arguments.ts';
import type { Io } from '../io.ts';
import { printAnswer } from '../output.ts';
import type { OutboxCommand } from './command.ts';
import { count } from './commands/count.ts';
import { drop } from './commands/drop.ts';
import { drops } from './commands/drops.ts';
import { exportRecords } from './commands/export.ts';
import { list } from './commands/list.ts';
import { quarantine } from './commands/quarantine.ts';
import { replay } from './commands/replay.ts';
import { verify } from './commands/verify.ts';
import { printFailure } from './failure.ts';
import { outboxCommandHelp, outboxHelp, outboxOptions } from './help.ts';

const commands: readonly OutboxCommand[] = [list, count, verify, exportRecords, drops, quarantine, replay, drop];

/**
 * Runs one call, `args` being the words behind `outbox`. Returns 0 (answered), 1 (answered with an error), 2 (the call makes no
 * sense; stdout stays empty).
 */
export async function runOutbox(args: readonly string[], io: Io): Promise<number> {
  try {
    const { values: leading, words } = parseWords(args, outboxOptions, { stopAtWord: true });
    const [name, ...rest] = words;
    if (name === undefined) {
      (leading.help ? io.stdout : io.stderr)(outboxHelp(commands));
      return leading.help ? 0 : 2;
    }
    const command = commands.find((known) => known.name === name);
    if (!command) throw new UsageError(`unknown command ${JSON.stringify(name)}`);
    const table: OptionTable = { ...command.options, ...outboxOptions };
    const { values, words: positional } = parseWords(rest, table);
    if (values.help || leading.help) {
      io.stdout(outboxCommandHelp(command));
      return 0;
    }
    const [path, ...others] = positional;
    if (path === undefined || path === '') throw new UsageError('FILE is missing');
    const work = command.plan(values as never, others);
    const chosen = (values.table ?? leading.table) as string | undefined;
    printAnswer(io, await work({ path, table: chosen, signal: io.signal }));
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr(`error: ${error.message}\n\nkanade outbox --help shows the usage\n`);
      return 2;
    }
    printFailure(io, error);
    return 1;
  }
}
