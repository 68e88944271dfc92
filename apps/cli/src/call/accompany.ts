/** What goes along with a call for whom it interests: diagnostics, and a progress line on a terminal. Loaded on demand. */
import type { Said } from '../answer/answer.ts';
import { withProgressLine } from '../answer/progress-line.ts';
import type { Context, Eventually } from './command.ts';
import { type DiagnosedCall, diagnosed } from './diagnostics.ts';

export interface AccompaniedCall extends DiagnosedCall {
  /** Show a progress line while the command waits. */
  readonly progress: boolean;
}

export type CommandRun = (more?: Partial<Context>) => Eventually<Said>;

/** Runs a command with what goes along with it. */
export function accompanied({ progress, ...call }: AccompaniedCall, run: CommandRun): Promise<Said> {
  const shown = async (): Promise<Said> => (progress ? withProgressLine(call.context.io, run) : run());
  return call.context.given.verbose === undefined ? shown() : diagnosed(call, shown);
}
