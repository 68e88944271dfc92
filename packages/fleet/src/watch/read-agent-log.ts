/** The log of an agent, its end or as it grows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { logHeaders, logsSubject } from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { againMs, heldMs, openQuestions } from './ask-machine.ts';

export type AgentLogEvent =
  /** Whole lines. */
  | { readonly type: 'text'; readonly text: string }
  /** Lines before the next text are there no more. */
  | { readonly type: 'gap' }
  /** Nobody answers now. */
  | { readonly type: 'no_answer' };

export interface AgentLogOptions {
  /** How many of the last lines come first. */
  readonly lines: number;
  /** Go on with each line that comes, whoever is away meanwhile, until the signal fires. */
  readonly follow: boolean;
  readonly onEvent: (event: AgentLogEvent) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Reads the log of a machine's agent. Resolves with whether it answered. Throws FleetError, and the signal's reason. */
export async function readAgentLog(fleet: Fleet, pc: string, options: AgentLogOptions): Promise<boolean> {
  checkId('a pc id', pc);
  const { lines, follow, onEvent, signal } = options;
  using questions = openQuestions(fleet);
  let after: string | undefined;
  let isAway = false;
  try {
    for (;;) {
      const question = after === undefined ? { tail_lines: lines } : { after, wait_ms: heldMs };
      const askedAtMs = performance.now();
      const message = await questions.ask(logsSubject(pc), question, signal);
      const refused = message?.headers?.get(logHeaders.error);
      if (refused) throw new FleetError('broker_failed', `the agent does not answer: ${refused}`);
      const position = message?.headers?.get(logHeaders.position);
      if (message) {
        if (message.headers?.get(logHeaders.gap)) onEvent({ type: 'gap' });
        if (message.data.length > 0) onEvent({ type: 'text', text: message.string() });
      } else if (!isAway) onEvent({ type: 'no_answer' });
      isAway = message === undefined;
      if (!follow) return !isAway;
      if (message && !position)
        throw new FleetError('broker_failed', 'that agent is too old to be followed, or keeps no log');
      const isQuick = message?.data.length === 0 && after !== undefined && performance.now() - askedAtMs < heldMs / 2;
      after = position ?? after;
      if (isAway || isQuick) await sleep(againMs, undefined, signal ? { signal } : {}).catch(() => undefined);
      signal?.throwIfAborted();
    }
  } catch (error) {
    throw translate(error, `reading the log of ${pc}`, signal);
  }
}
