/** An outbox command is data plus one function; only `runOutbox` parses, prints and chooses the exit code. */
import type { Options, OptionTable } from '../call/arguments.ts';
import type { Answer } from '../call/command.ts';

/** The file that a call is about. */
export interface OutboxContext {
  readonly path: string;
  readonly table: string | undefined;
  readonly signal: AbortSignal;
}

export interface OutboxCommand<T extends OptionTable = OptionTable> {
  readonly name: string;
  readonly summary: string;
  /** Positional words behind the file for the help, such as `[ID...]`. */
  readonly usage: string;
  readonly options: T;
  readonly examples: readonly string[];
  /** Checks the call without opening anything; throws UsageError. What it returns does the work. */
  plan(options: Options<T>, words: readonly string[]): (context: OutboxContext) => Promise<Answer>;
}

/** Keeps the option types of a command while the table of commands forgets them. */
export const defineOutboxCommand = <const T extends OptionTable>(command: OutboxCommand<T>): OutboxCommand =>
  command as unknown as OutboxCommand;
