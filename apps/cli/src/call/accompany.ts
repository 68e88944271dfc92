/** What goes along with a call for whom it interests: diagnostics, and a progress line on a terminal. Loaded on demand. */

import type { Document } from '../answer/envelope.ts';
import { withProgressLine } from '../answer/progress-line.ts';
import type { Context } from './command.ts';
import { type DiagnosedCall, diagnosed } from './diagnostics.ts';
import type { Eventually } from './eventually.ts';

export interface AccompaniedCall extends Omit<DiagnosedCall, 'verbose'> {
  /** How often `-v` stood before the command and behind it; undefined where it did not. */
  readonly verbose: readonly unknown[];
  /** Show a progress line if the command waits for a job. */
  readonly progress: boolean;
}

export type Run = (onJob?: Context['onJob']) => Eventually<Document | string>;

/** Runs a command with what goes along with it. */
export function accompanied({ verbose, progress, ...call }: AccompaniedCall, run: Run): Promise<Document | string> {
  const shown = progress ? () => withProgressLine(call.io, run) : run;
  const times = verbose.reduce<number>((sum, given) => sum + Number(given ?? 0), 0);
  return times > 0 ? diagnosed({ ...call, verbose: times }, () => shown()) : Promise.resolve(shown());
}
