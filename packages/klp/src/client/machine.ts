/*
 * A client over as many connections as it takes, without any of them: (state, event) → [state, effects].
 *   connecting  dialling, handshake, and the caller's `onConnected`
 *   connected   calls are sent
 *   away        no connection; the next attempt comes by itself
 *   refused     the server refused this peer; no further attempt
 *   closed      closed here; no further attempt
 * A connection that lived `steadyMs`, or the first that did not, is followed by an attempt at once; each further failure waits twice as long as the
 * one before, less a random part, so that the clients of one server do not come back together.
 */
import type { ClientLimits } from '../limits.ts';
import type { KlpError } from '../wire/error.ts';

export type ClientState<Handshake> =
  | { kind: 'connecting' }
  | { kind: 'connected'; handshake: Handshake }
  | { kind: 'away'; retryInMs: number; error: unknown }
  | { kind: 'refused'; error: KlpError }
  | { kind: 'closed' };

/** Where the client stands, and what decides how long it waits. */
export interface Line<Handshake> {
  readonly at: ClientState<Handshake>;
  readonly sinceMs?: number;
  readonly failureCount: number;
  /** The last connection did not live for long. */
  readonly wasShort: boolean;
}

export type LineEvent<Handshake> =
  /** Shaken hands, and what the caller wanted first is done. */
  | { kind: 'prepared'; handshake: Handshake; nowMs: number }
  /** An attempt failed or a connection ended. `roll` is a random number from 0 to 1. */
  | { kind: 'lost'; error: unknown; refusal: KlpError | undefined; nowMs: number; roll: number }
  /** The wait is over. */
  | { kind: 'due' }
  | { kind: 'close' };

export type LineEffect =
  | { kind: 'dial' }
  /** The state is another one. */
  | { kind: 'tell' }
  | { kind: 'report'; error: unknown }
  | { kind: 'wait'; ms: number }
  | { kind: 'hang_up' }
  /** Nothing more will be pushed. */
  | { kind: 'end_pushes' };

type Step<Handshake> = readonly [Line<Handshake>, readonly LineEffect[]];

type Pace = Pick<ClientLimits, 'backoffFirstMs' | 'backoffMaxMs' | 'backoffJitter' | 'steadyMs'>;

/** A client dials as soon as there is one. */
export const firstLine: Line<never> = { at: { kind: 'connecting' }, failureCount: 0, wasShort: false };

const none: readonly LineEffect[] = [];
const last: readonly LineEffect[] = [{ kind: 'tell' }, { kind: 'end_pushes' }];

export function stepLine<Handshake>(line: Line<Handshake>, event: LineEvent<Handshake>, pace: Pace): Step<Handshake> {
  const { kind } = line.at;
  if (isLast(line.at)) return [line, none];
  switch (event.kind) {
    case 'prepared':
      if (kind !== 'connecting') return [line, none];
      return [
        { ...line, at: { kind: 'connected', handshake: event.handshake }, sinceMs: event.nowMs },
        [{ kind: 'tell' }],
      ];
    case 'lost':
      return lose(line, event, pace);
    case 'due':
      if (kind !== 'away') return [line, none];
      return [{ ...line, at: { kind: 'connecting' } }, [{ kind: 'tell' }, { kind: 'dial' }]];
    case 'close':
      return [{ ...line, at: { kind: 'closed' } }, [{ kind: 'hang_up' }, ...last]];
  }
}

function lose<Handshake>(
  { sinceMs, failureCount, wasShort }: Line<Handshake>,
  { error, refusal, nowMs, roll }: Extract<LineEvent<Handshake>, { kind: 'lost' }>,
  pace: Pace,
): Step<Handshake> {
  const report: LineEffect = { kind: 'report', error };
  if (refusal) return [{ at: { kind: 'refused', error: refusal }, failureCount, wasShort }, [report, ...last]];
  const isShort = sinceMs === undefined || nowMs - sinceMs < pace.steadyMs;
  const count = sinceMs !== undefined && !(isShort && wasShort) ? 0 : failureCount + 1;
  const ms = delayMs(count, roll, pace);
  return [
    { at: { kind: 'away', retryInMs: ms, error }, failureCount: count, wasShort: isShort },
    [report, { kind: 'tell' }, { kind: 'wait', ms }],
  ];
}

/** How long to wait before the next attempt: at once, then doubled per failure up to the longest, less a random part of it. */
function delayMs(failureCount: number, roll: number, { backoffFirstMs, backoffMaxMs, backoffJitter }: Pace): number {
  if (failureCount === 0) return 0;
  const whole = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (failureCount - 1));
  return Math.round(whole * (1 - backoffJitter * roll));
}

/** Whether no other state follows. */
export const isLast = ({ kind }: ClientState<unknown>): boolean => kind === 'refused' || kind === 'closed';
