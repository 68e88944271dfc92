/** What goes along with a call for whom it interests: diagnostics, and a progress line on a terminal. Loaded on demand. */
import type { Document } from '../answer/answer.ts';
import { withProgressLine } from '../answer/progress-line.ts';
import type { Context, Eventually } from './command.ts';
import { type DiagnosedCall, diagnosed } from './diagnostics.ts';

export interface AccompaniedCall extends DiagnosedCall {
  /** Show a progress line while the command waits. */
  readonly progress: boolean;
}

export type CommandRun = (more?: Partial<Context>) => Eventually<Document | string>;

/** Runs a command with what goes along with it. */
export function accompanied({ progress, ...call }: AccompaniedCall, run: CommandRun): Promise<Document | string> {
  const shown = async (): Promise<Document | string> => (progress ? withProgressLine(call.context.io, run) : run());
  return call.context.given.verbose === undefined ? shown() : diagnosed(call, shown);
}
