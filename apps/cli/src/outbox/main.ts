/** `kanade outbox …`: looks into an outbox file, or repairs it, while the program that owns it may be running. */

import { printAnswer } from '../answer/envelope.ts';
import { type OptionTable, parseWords, UsageError } from '../call/arguments.ts';
import { count } from '../commands/outbox/count.ts';
import { drop } from '../commands/outbox/drop.ts';
import { drops } from '../commands/outbox/drops.ts';
import { exportRecords } from '../commands/outbox/export.ts';
import { printFailure } from '../commands/outbox/failure.ts';
import { list } from '../commands/outbox/list.ts';
import { quarantine } from '../commands/outbox/quarantine.ts';
import { replay } from '../commands/outbox/replay.ts';
import { verify } from '../commands/outbox/verify.ts';
import type { Io } from '../io.ts';
import type { OutboxCommand } from './command.ts';
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
