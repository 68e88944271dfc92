/** A command is data plus one function that returns; only `main` parses, prints and exits. */
import type { JobDir } from '@kanade/runner';
import type { Io } from '../io.ts';
import type { Options, OptionTable } from './arguments.ts';

/** What a command may use. */
export interface Context {
  /** Absolute jobs root. */
  readonly root: string;
  /** The caller's working directory, canonical. */
  readonly cwd: string;
  readonly io: Io;
  /** Start of this call on the `performance.now()` clock, in ms. */
  readonly startedMs: number;
  /** The version whose answers are asked for: what is told only there need not be found out otherwise. */
  readonly contract: '0.1.18' | '0.2.31';
  /** The name the program was called by. */
  readonly program: string;
  /** Told which job is waited for, where somebody wants to see it. */
  readonly onJob?: ((job: JobDir) => void) | undefined;
}

/** The keys of an answer behind the envelope. `type` names it. */
export interface Answer {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface CommandSpec<T extends OptionTable = OptionTable> {
  readonly name: string;
  readonly summary: string;
  /** Positional words for the help, such as `JOB_ID`. */
  readonly usage: string;
  readonly options: T;
  /** Everything from the first positional word on is a command line of its own. */
  readonly stopAtWord?: boolean;
  /** Waits for a job: with `--human` a terminal shows how it stands meanwhile. */
  readonly waits?: boolean;
  readonly examples: readonly string[];
  /** Runs it; a text is printed as it is. Throws `JobError` for "could not do it" and `UsageError` for a call that makes no sense. */
  run(options: Options<T>, words: readonly string[], context: Context): Promise<Answer | string> | Answer | string;
}

/** Keeps the option types of a command while the table of commands forgets them. */
export const defineCommand = <const T extends OptionTable>(spec: CommandSpec<T>): CommandSpec =>
  spec as unknown as CommandSpec;
