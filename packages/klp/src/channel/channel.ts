/*
 * One end of a connection: bytes in → messages, bodies → bytes out. `machine.ts` decides when it reads and how it ends; here are the stream, the timers
 * and the way of each frame, which meets no decision unless one is due.
 */
import type { Duplex } from 'node:stream';
import type { ErrorTable } from '../contract.ts';
import type { ChannelLimits } from '../limits.ts';
import { KlpError, limitError } from '../wire/error.ts';
import { createFrameDecoder, type FrameDecoder } from '../wire/frame.ts';
import { decodeMessage, encodeError, type Message } from '../wire/message.ts';
import { createExpiry, type Expiry } from './late.ts';
import { type ChannelEffect, type ChannelEvent, type EndReason, openState, stepChannel } from './machine.ts';
import { Outgoing, type SendOutcome } from './outgoing.ts';

/** One frame as it was read or queued. */
export interface TraceEntry {
  readonly direction: 'in' | 'out';
  /** The body as it stands on the wire, secrets and all; undefined when it was not UTF-8. */
  readonly body: string | undefined;
}

/** Sees every frame of a connection. Must not throw. */
export type OnTrace = (entry: TraceEntry) => void;

export interface ChannelOptions {
  limits: ChannelLimits;
  /** What errors are called; without it a kind is what the peer wrote. */
  errors?: ErrorTable | undefined;
  /** Takes one message; while a returned promise is pending nothing more is read. Must neither throw nor reject. */
  onMessage: (message: Message) => void | Promise<void>;
  /** Called once, when the last message was delivered. */
  onEnd: (reason: EndReason) => void;
  /** The outgoing queue was full and has room again. */
  onRoom?: () => void;
  onTrace?: OnTrace | undefined;
  /** Answer an over-long frame with an anonymous error before closing (a server does; it needs `errors`). */
  answersOverLong?: boolean;
}

export class Channel {
  private readonly duplex: Duplex;
  private readonly options: ChannelOptions;
  private readonly decoder: FrameDecoder;
  private readonly outgoing: Outgoing;
  private readonly watch: Expiry;
  private readonly gone = Promise.withResolvers<EndReason>();
  private state = openState;
  private isNewFrame = false;
  private linger: NodeJS.Timeout | undefined;

  /** Takes the stream over and begins to read; it may have been handed over paused. */
  constructor(duplex: Duplex, options: ChannelOptions) {
    const { limits } = options;
    this.duplex = duplex;
    this.options = options;
    this.decoder = createFrameDecoder({ bodyBytesMax: limits.bodyBytesMax });
    this.watch = createExpiry((nowMs) => this.look(nowMs));
    this.outgoing = new Outgoing(duplex, {
      limits,
      onOverflow: (passed) => this.dispatch({ kind: 'broken', reason: { kind: 'limit', passed } }),
      onRoom: () => {
        options.onRoom?.();
        this.dispatch({ kind: 'room' });
      },
    });
    duplex.on('data', (chunk: Buffer) => {
      if (this.state.phase !== 'open') return;
      this.decoder.push(chunk);
      this.read();
    });
    duplex.on('end', () => this.dispatch({ kind: 'peer_ended', heldBytes: this.decoder.heldBytes }));
    duplex.on('error', (error) => this.dispatch({ kind: 'broken', reason: { kind: 'io', error } }));
    duplex.on('close', () => this.dispatch({ kind: 'gone' }));
    // A stream that broke before it got here says nothing any more.
    if (duplex.destroyed) process.nextTick(() => this.dispatch({ kind: 'gone' }));
    else this.starve();
  }

  /** Resolves when the stream is gone. Never rejects. */
  get closed(): Promise<EndReason> {
    return this.gone.promise;
  }

  /** Queues one body. Throws `PayloadTooLarge` before anything is written when it passes the cap. */
  send(body: string, droppable = false): SendOutcome | Promise<SendOutcome> {
    const outcome = this.outgoing.send(body, droppable);
    const { onTrace } = this.options;
    if (onTrace && outcome !== 'dropped' && outcome !== 'closed') onTrace({ direction: 'out', body });
    return outcome;
  }

  /** Whether a droppable body would be taken now. */
  hasRoom(): boolean {
    return this.outgoing.hasRoom();
  }

  /** Ends the connection: no more messages, queued frames are written, then the stream is ended. */
  end(reason: EndReason): void {
    this.dispatch({ kind: 'end', reason });
  }

  private read(): void {
    while (this.state.phase === 'open' && !this.state.isHandling) {
      if (this.outgoing.full) {
        this.dispatch({ kind: 'full' });
        return;
      }
      const frame = this.decoder.next();
      if (!frame) {
        this.starve();
        return;
      }
      this.isNewFrame = true;
      if (frame.kind === 'over_long') this.dispatch({ kind: 'over_long', passed: frame.passed });
      else this.deliver(frame.kind === 'body' ? frame.text : undefined);
    }
  }

  private deliver(body: string | undefined): void {
    const { errors, onMessage, onTrace } = this.options;
    if (onTrace) onTrace({ direction: 'in', body });
    const handled = onMessage(body === undefined ? notUtf8() : decodeMessage(body, errors));
    if (!handled) return;
    this.dispatch({ kind: 'handling' });
    void handled.finally(() => this.dispatch({ kind: 'handled' }));
  }

  private starve(): void {
    const { heldBytes } = this.decoder;
    const { isNewFrame } = this;
    this.isNewFrame = false;
    // Mostly nothing changes: reading goes on, and no frame is begun.
    if (heldBytes === 0 && this.state.isReading && this.state.cutAtMs === undefined) return;
    this.dispatch({ kind: 'starved', heldBytes, isNewFrame, nowMs: performance.now() });
  }

  private look(nowMs: number): number {
    this.dispatch({ kind: 'due', nowMs });
    // What is due next was noted by the effect.
    return Number.POSITIVE_INFINITY;
  }

  private dispatch(event: ChannelEvent): void {
    const [state, effects] = stepChannel(this.state, event, this.options.limits);
    this.state = state;
    for (const effect of effects) this.carryOut(effect);
  }

  private carryOut(effect: ChannelEffect): void {
    switch (effect.kind) {
      case 'pause':
        this.duplex.pause();
        break;
      case 'resume':
        this.duplex.resume();
        break;
      case 'read':
        this.read();
        break;
      case 'watch':
        this.watch.note(effect.dueMs);
        break;
      case 'refuse':
        this.refuse(limitError('PayloadTooLarge', effect.passed));
        break;
      case 'tell':
        this.watch.clear();
        this.options.onEnd(effect.reason);
        break;
      case 'finish':
        this.finish();
        break;
      case 'drain':
        if (!this.duplex.destroyed) this.duplex.resume();
        break;
      case 'destroy':
        this.duplex.destroy();
        break;
      case 'close':
        clearTimeout(this.linger);
        this.outgoing.close();
        this.gone.resolve(effect.reason);
    }
  }

  private refuse(error: KlpError): void {
    const { answersOverLong, errors } = this.options;
    if (answersOverLong && errors) void this.send(encodeError(null, error, errors));
  }

  private finish(): void {
    this.linger = setTimeout(() => this.duplex.destroy(), this.options.limits.lingerMs);
    void this.outgoing.flushed().then(() => {
      this.outgoing.close();
      this.duplex.end();
    });
  }
}

function notUtf8(): Message {
  return { kind: 'malformed', id: null, error: new KlpError('ParseError', 'the body is not UTF-8') };
}
