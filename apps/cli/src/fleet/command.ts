/** A fleet command is data plus one function; only `runFleet` connects, prints and chooses the exit code. */
import type { Fleet } from '@kanade/fleet';
import type { Options, OptionTable } from '../call/arguments.ts';
import type { Answer } from '../call/command.ts';
import type { Io } from '../io.ts';

export interface FleetContext {
  readonly io: Io;
  /** Address of the broker, as the answer may show it. */
  readonly server: string;
  /** Connects, hands the connection over and closes it afterwards. Throws FleetError. */
  withFleet<T>(use: (fleet: Fleet) => Promise<T>): Promise<T>;
}

export interface FleetCommand<T extends OptionTable = OptionTable> {
  /** One or two words: `exec`, `job put`. */
  readonly name: string;
  readonly summary: string;
  /** Positional words for the help, such as `PC`. */
  readonly usage: string;
  readonly options: T;
  readonly examples: readonly string[];
  /** Checks the call without doing anything; throws UsageError. What it returns does the work. */
  plan(options: Options<T>, words: readonly string[]): (context: FleetContext) => Promise<Answer>;
}

/** Keeps the option types of a command while the table of commands forgets them. */
export const defineFleetCommand = <const T extends OptionTable>(command: FleetCommand<T>): FleetCommand =>
  command as unknown as FleetCommand;
