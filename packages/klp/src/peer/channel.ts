/*
 * One end of a connection: bytes in → messages, bodies → bytes out.
 *   open    messages are delivered one after the other; a message whose handling returns a promise, and a full outgoing queue, stop the reading
 *   ended   the reason is fixed, nothing more is delivered; what is queued is still written, then the stream is ended and, after `lingerMs`, destroyed
 *   closed  the stream is gone
 */
import type { Duplex } from 'node:stream';
import { KlpError, type LimitPassed, limitError } from '../wire/error.ts';
import { createFrameDecoder, type Frame } from '../wire/frame.ts';
import { decodeMessage, encodeError, type Message } from '../wire/message.ts';
import { createExpiry } from './expiry.ts';
import type { ChannelLimits } from './limits.ts';
import { createOutgoing, type SendOutcome } from './outgoing.ts';
import type { OnTrace } from './trace.ts';

/** Why a connection ended; the first reason wins. */
export type EndReason =
  | { kind: 'closed_by_peer' }
  /** The stream ended inside a frame. */
  | { kind: 'truncated'; heldBytes: number }
  /** The peer announced a body over the cap, does not finish a frame, or does not read what is sent to it. */
  | { kind: 'limit'; passed: LimitPassed }
  | { kind: 'io'; error: Error }
  | { kind: 'closed_here'; detail: string };

export interface Channel {
  /** Queues one body. Throws `PayloadTooLarge` before anything is written when it passes the cap. */
  send(body: string, options?: { droppable?: boolean }): SendOutcome | Promise<SendOutcome>;
  /** Whether a droppable body would be taken now. */
  hasRoom(): boolean;
  /** Ends the connection: no more messages, queued frames are written, then the stream is ended. */
  end(reason: EndReason): void;
  /** Resolves when the stream is gone. Never rejects. */
  readonly closed: Promise<EndReason>;
}

export interface ChannelOptions {
  limits: ChannelLimits;
  /** Takes one message; while a returned promise is pending nothing more is read. Must neither throw nor reject. */
  onMessage: (message: Message) => void | Promise<void>;
  /** Called once, when the last message was delivered. */
  onEnd: (reason: EndReason) => void;
  /** The outgoing queue was full and has room again. */
  onRoom?: () => void;
  onTrace?: OnTrace | undefined;
  /** Answer an over-long frame with an anonymous error before closing (a server does). */
  answersOverLong: boolean;
}

export function createChannel(duplex: Duplex, options: ChannelOptions): Channel {
  const { limits, onMessage, onEnd, onTrace } = options;
  const decoder = createFrameDecoder({ bodyBytesMax: limits.bodyBytesMax });
  const closed = Promise.withResolvers<EndReason>();
  const frameExpiry = createExpiry(findUnfinished);
  let reason: EndReason | undefined;
  let isHolding = false;
  let isPaused = true;
  /** Since when a frame is incomplete. */
  let cutAtMs: number | undefined;
  let linger: NodeJS.Timeout | undefined;

  const outgoing = createOutgoing(duplex, {
    limits,
    onOverflow: (passed) => destroy({ kind: 'limit', passed }),
    onRoom: () => {
      options.onRoom?.();
      read();
    },
  });

  function read(): void {
    while (!reason && !isHolding) {
      if (outgoing.full) {
        pause();
        return;
      }
      const frame = decoder.next();
      if (!frame) {
        resume();
        return;
      }
      cutAtMs = undefined;
      if (frame.kind === 'over_long') {
        refuseOverLong(frame.passed);
        return;
      }
      if (onTrace) onTrace({ direction: 'in', body: frame.kind === 'body' ? frame.text : undefined });
      const handled = onMessage(frameMessage(frame));
      if (handled) hold(handled);
    }
  }

  function pause(): void {
    if (isPaused) return;
    isPaused = true;
    duplex.pause();
  }

  function resume(): void {
    if (decoder.heldBytes > 0) watchFrame();
    if (!isPaused) return;
    isPaused = false;
    duplex.resume();
  }

  function watchFrame(): void {
    if (cutAtMs !== undefined) return;
    cutAtMs = performance.now();
    frameExpiry.note(cutAtMs + limits.frameTimeoutMs);
  }

  function findUnfinished(nowMs: number): number {
    if (cutAtMs === undefined || reason) return Number.POSITIVE_INFINITY;
    // While it was not read here the time does not count.
    if (isPaused) cutAtMs = nowMs;
    const actual = nowMs - cutAtMs;
    if (actual < limits.frameTimeoutMs) return cutAtMs + limits.frameTimeoutMs;
    const passed = { limit: 'frameTimeoutMs', maximum: limits.frameTimeoutMs, actual: Math.round(actual) };
    destroy({ kind: 'limit', passed });
    return Number.POSITIVE_INFINITY;
  }

  function hold(handled: Promise<void>): void {
    isHolding = true;
    pause();
    void handled.finally(() => {
      isHolding = false;
      read();
    });
  }

  function refuseOverLong(passed: LimitPassed): void {
    // Not read any further, but not destroyed at once: that could cost the peer the answer.
    pause();
    if (options.answersOverLong) void send(encodeError(null, limitError('PayloadTooLarge', passed)));
    finish({ kind: 'limit', passed });
  }

  function send(body: string, { droppable = false }: { droppable?: boolean } = {}): SendOutcome | Promise<SendOutcome> {
    const outcome = outgoing.send(body, droppable);
    if (onTrace && outcome !== 'dropped' && outcome !== 'closed') onTrace({ direction: 'out', body });
    return outcome;
  }

  function settle(why: EndReason): boolean {
    if (reason) return false;
    reason = why;
    frameExpiry.clear();
    onEnd(why);
    return true;
  }

  function finish(why: EndReason): void {
    if (!settle(why)) return;
    linger = setTimeout(() => duplex.destroy(), limits.lingerMs);
    void outgoing.flushed().then(() => {
      outgoing.close();
      duplex.end();
    });
  }

  function destroy(why: EndReason): void {
    settle(why);
    duplex.destroy();
  }

  function onClose(): void {
    clearTimeout(linger);
    settle({ kind: 'closed_by_peer' });
    outgoing.close();
    closed.resolve(reason as EndReason);
  }

  duplex.on('data', (chunk: Buffer) => {
    if (reason) return;
    decoder.push(chunk);
    read();
  });
  duplex.on('end', () => {
    const { heldBytes } = decoder;
    finish(heldBytes > 0 ? { kind: 'truncated', heldBytes } : { kind: 'closed_by_peer' });
  });
  duplex.on('error', (error) => destroy({ kind: 'io', error }));
  duplex.on('close', onClose);
  // A stream that broke before it got here says nothing any more.
  if (duplex.destroyed) process.nextTick(onClose);
  // The stream may have been handed over paused.
  else resume();

  return {
    send,
    hasRoom: outgoing.hasRoom,
    end: (why) => {
      finish(why);
      // Read on and forget, so that the peer's own end is seen.
      if (!duplex.destroyed) duplex.resume();
    },
    closed: closed.promise,
  };
}

function frameMessage(frame: Exclude<Frame, { kind: 'over_long' }>): Message {
  if (frame.kind === 'body') return decodeMessage(frame.text);
  return { kind: 'malformed', id: null, error: new KlpError('ParseError', 'the body is not UTF-8') };
}
