/*
 * The life of one served connection, without the connection: (state, event) → [state, effects].
 *   waiting   only the handshake is answered; everything else is InvalidRequest. Ends after `handshakeTimeoutMs`
 *   open      requests run concurrently; a second handshake replaces the first
 *   draining  nothing more is taken; what runs may finish within `drainTimeoutMs`
 *   ended     every request's signal is aborted
 * Requests do not come by here: none but the handshake, once it is answered, changes the state.
 */
import type { EndReason } from '../channel/machine.ts';

export type ServerState = 'waiting' | 'open' | 'draining' | 'ended';

export type ServerStep =
  /** The handshake was answered with a result. */
  | { kind: 'opened' }
  /** The time for the handshake, or for the drain, is over. */
  | { kind: 'late' }
  /** The owner wants an end. */
  | { kind: 'close' }
  /** Nothing runs and nothing waits. */
  | { kind: 'idle' }
  | { kind: 'gone'; reason: EndReason };

export type ServerEffect =
  | { kind: 'start_handshake_timer' | 'start_drain' | 'stop_timer' }
  | { kind: 'end'; why: 'no_handshake' | 'closed' }
  | { kind: 'abort'; reason: EndReason };

type Stepped = readonly [ServerState, readonly ServerEffect[]];

const none: readonly ServerEffect[] = [];
const endClosed: readonly ServerEffect[] = [{ kind: 'stop_timer' }, { kind: 'end', why: 'closed' }];

export const begun: Stepped = ['waiting', [{ kind: 'start_handshake_timer' }]];

export function stepServer(state: ServerState, event: ServerStep): Stepped {
  switch (event.kind) {
    case 'opened':
      return state === 'waiting' ? ['open', [{ kind: 'stop_timer' }]] : [state, none];
    case 'close':
      if (state === 'draining' || state === 'ended') return [state, none];
      return ['draining', [{ kind: 'stop_timer' }, { kind: 'start_drain' }]];
    case 'idle':
      return [state, state === 'draining' ? endClosed : none];
    case 'late':
      if (state === 'waiting') return [state, [{ kind: 'end', why: 'no_handshake' }]];
      return [state, state === 'draining' ? endClosed : none];
    case 'gone':
      if (state === 'ended') return [state, none];
      return ['ended', [{ kind: 'stop_timer' }, { kind: 'abort', reason: event.reason }]];
  }
}
