/*
 * The life of one end of a connection, without the connection: (state, event) → [state, effects].
 *   open    messages are delivered one after the other; a message whose handling takes time, and a full outgoing queue, stop the reading
 *   ended   the reason is fixed, nothing more is delivered; what is queued is still written, then the stream is ended and, after `lingerMs`, destroyed
 *   closed  the stream is gone
 * Bytes and messages do not come by here, only what changes the reading or the end.
 */
import type { LimitPassed } from '../wire/error.ts';

/** Why a connection ended; the first reason wins. */
export type EndReason =
  | { kind: 'closed_by_peer' }
  /** The stream ended inside a frame. */
  | { kind: 'truncated'; heldBytes: number }
  /** The peer announced a body over the cap, does not finish a frame, or does not read what is sent to it. */
  | { kind: 'limit'; passed: LimitPassed }
  | { kind: 'io'; error: Error }
  | { kind: 'closed_here'; detail: string };

export interface ChannelState {
  readonly phase: 'open' | 'ended' | 'closed';
  readonly reason?: EndReason;
  readonly isReading: boolean;
  /** A message is being handled; nothing is read until that is done. */
  readonly isHandling: boolean;
  /** Since when a frame is incomplete, on the monotonic clock. */
  readonly cutAtMs?: number;
}

export type ChannelEvent =
  /** All that came was read; `isNewFrame` when a frame was completed since the last time. */
  | { kind: 'starved'; heldBytes: number; isNewFrame: boolean; nowMs: number }
  /** Nothing is read while what is sent does not leave. */
  | { kind: 'full' }
  | { kind: 'handling' | 'handled' | 'room' }
  /** The time set by a `watch` has come. */
  | { kind: 'due'; nowMs: number }
  | { kind: 'over_long'; passed: LimitPassed }
  | { kind: 'peer_ended'; heldBytes: number }
  /** The peer is not to be talked to any more: it does not read, or the stream broke. */
  | { kind: 'broken'; reason: EndReason }
  | { kind: 'end'; reason: EndReason }
  | { kind: 'gone' };

export type ChannelEffect =
  | { kind: 'pause' | 'resume' | 'read' }
  /** Come back with `due` at this instant. */
  | { kind: 'watch'; dueMs: number }
  /** Say to the peer what it may not send. */
  | { kind: 'refuse'; passed: LimitPassed }
  /** Tell the owner that nothing more comes. */
  | { kind: 'tell'; reason: EndReason }
  /** Write what is queued, end the stream, and destroy it when the peer lingers. */
  | { kind: 'finish' }
  /** Read on and forget, so that the peer's own end is seen. */
  | { kind: 'drain' }
  | { kind: 'destroy' }
  | { kind: 'close'; reason: EndReason };

type Step = readonly [ChannelState, readonly ChannelEffect[]];

export const openState: ChannelState = { phase: 'open', isReading: false, isHandling: false };

const none: readonly ChannelEffect[] = [];
const pause: ChannelEffect = { kind: 'pause' };
const read: readonly ChannelEffect[] = [{ kind: 'read' }];

export function stepChannel(state: ChannelState, event: ChannelEvent, limits: { frameTimeoutMs: number }): Step {
  switch (event.kind) {
    case 'starved':
      return starve(state, event, limits.frameTimeoutMs);
    case 'full':
      return stopReading(state);
    case 'handling':
      return stopReading({ ...state, isHandling: true });
    case 'handled':
      return [{ ...state, isHandling: false }, state.phase === 'open' ? read : none];
    case 'room':
      return [state, state.phase === 'open' ? read : none];
    case 'due':
      return look(state, event.nowMs, limits.frameTimeoutMs);
    case 'over_long':
      // Not read any further, but not destroyed at once: that could cost the peer the answer.
      return refuse(state, event.passed);
    case 'peer_ended': {
      const { heldBytes } = event;
      return finish(state, heldBytes > 0 ? { kind: 'truncated', heldBytes } : { kind: 'closed_by_peer' });
    }
    case 'broken':
      return destroy(state, event.reason);
    case 'end': {
      const [next, effects] = finish(state, event.reason);
      return next.phase === 'closed' ? [next, effects] : [next, [...effects, { kind: 'drain' }]];
    }
    case 'gone':
      return close(state);
  }
}

function starve(
  state: ChannelState,
  { heldBytes, isNewFrame, nowMs }: Extract<ChannelEvent, { kind: 'starved' }>,
  frameTimeoutMs: number,
): Step {
  if (state.phase !== 'open') return [state, none];
  const cutAtMs = heldBytes === 0 ? undefined : isNewFrame ? nowMs : (state.cutAtMs ?? nowMs);
  if (state.isReading && cutAtMs === state.cutAtMs) return [state, none];
  const effects: ChannelEffect[] = [];
  if (cutAtMs !== undefined && cutAtMs !== state.cutAtMs) {
    effects.push({ kind: 'watch', dueMs: cutAtMs + frameTimeoutMs });
  }
  if (!state.isReading) effects.push({ kind: 'resume' });
  return [{ ...state, isReading: true, cutAtMs }, effects];
}

function stopReading(state: ChannelState): Step {
  return state.isReading ? [{ ...state, isReading: false }, [pause]] : [state, none];
}

/** Whether a frame was begun too long ago. */
function look(state: ChannelState, nowMs: number, maximum: number): Step {
  const { cutAtMs } = state;
  if (cutAtMs === undefined || state.phase !== 'open') return [state, none];
  // While it was not read here the time does not count.
  if (!state.isReading) return [{ ...state, cutAtMs: nowMs }, [{ kind: 'watch', dueMs: nowMs + maximum }]];
  const actual = nowMs - cutAtMs;
  if (actual < maximum) return [state, [{ kind: 'watch', dueMs: cutAtMs + maximum }]];
  const passed = { limit: 'frameTimeoutMs', maximum, actual: Math.round(actual) };
  return destroy(state, { kind: 'limit', passed });
}

function refuse(state: ChannelState, passed: LimitPassed): Step {
  const [paused, effects] = stopReading(state);
  const [ended, more] = finish(paused, { kind: 'limit', passed });
  return [ended, [...effects, { kind: 'refuse', passed }, ...more]];
}

function finish(state: ChannelState, reason: EndReason): Step {
  if (state.phase !== 'open') return [state, none];
  return [{ ...state, phase: 'ended', reason }, [{ kind: 'tell', reason }, { kind: 'finish' }]];
}

function destroy(state: ChannelState, reason: EndReason): Step {
  if (state.phase !== 'open') return [state, [{ kind: 'destroy' }]];
  return [{ ...state, phase: 'ended', reason }, [{ kind: 'tell', reason }, { kind: 'destroy' }]];
}

function close(state: ChannelState): Step {
  if (state.phase === 'closed') return [state, none];
  const reason: EndReason = state.reason ?? { kind: 'closed_by_peer' };
  const told: readonly ChannelEffect[] = state.phase === 'open' ? [{ kind: 'tell', reason }] : none;
  return [{ ...state, phase: 'closed', reason }, [...told, { kind: 'close', reason }]];
}
