import type { Contract } from './contract.ts';
import type { RequestContext, SendPush } from './serving.ts';

/** What every request of one connection shares. */
export interface ConnectionScope<C extends Contract, Peer, Session> {
  readonly peer: Peer;
  readonly session: Session;
  readonly push: SendPush<C>;
}

/** What a handler sees. The signal is made when it is asked for: most handlers end before anybody could abort them. */
export class RequestScope<C extends Contract, Peer, Session> implements RequestContext<C, Peer, Session> {
  readonly peer: Peer;
  readonly session: Session;
  readonly push: SendPush<C>;
  #controller: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;

  constructor({ peer, session, push }: ConnectionScope<C, Peer, Session>) {
    this.peer = peer;
    this.session = session;
    this.push = push;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    return this.#controller.signal;
  }

  /** Aborts the signal; the first reason wins. Not a part of what a handler sees. */
  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(this.#aborted.reason);
  }
}
