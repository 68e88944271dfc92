/*
 * A listening local socket. What happens to one connection, in this order, before a byte of it is read:
 * room → identity by the operating system → `accept` → room for this user → `onConnection`.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { encodeFrame } from '../channel/outgoing.ts';
import type { Contract, ErrorTable } from '../contract.ts';
import { type SocketLimits, socketLimits } from '../limits.ts';
import { KlpError, type LimitPassed, limitError } from '../wire/error.ts';
import { encodeError } from '../wire/message.ts';
import { checkAddress, translateOsError } from './address.ts';
import { claimAddress } from './claim.ts';
import { type LocalPeer, openPeerReader, type PeerReader } from './peer-identity.ts';
import type { AcceptVerdict } from './user-policy.ts';

export type ListenEvent =
  | { kind: 'peer_refused'; peer: LocalPeer; reason: string }
  /** Its identity could not be read, so it was closed without an answer. */
  | { kind: 'peer_unidentified'; error: unknown }
  | { kind: 'connections_full'; passed: LimitPassed }
  /** `accept` or `onConnection` threw, or writing a refusal failed; that connection was closed. */
  | { kind: 'connection_failed'; error: unknown }
  /** The operating system refused to accept; the listener goes on. */
  | { kind: 'listener_failed'; error: Error };

export interface ListenOptions {
  path: string;
  /** Says what a refusal is called on the wire. */
  contract: Pick<Contract, 'errors'>;
  /** Who may connect. The reason of a refusal is shown to the refused peer. */
  accept: (peer: LocalPeer) => AcceptVerdict;
  /** Takes the stream, paused and unread; hand it to `serveConnection` before returning. */
  onConnection: (duplex: Duplex, peer: LocalPeer) => void;
  onEvent?: (event: ListenEvent) => void;
  limits?: Partial<SocketLimits>;
  /** Gives up starting; a listener that runs is ended with `close`. */
  signal?: AbortSignal;
}

export interface LocalListener extends AsyncDisposable {
  readonly path: string;
  readonly connectionCount: number;
  /** Stops listening and removes the socket. Accepted connections stay with their owners. Idempotent. */
  close(): Promise<void>;
}

/**
 * Listens on a local socket that everybody may connect to (mode 0666): `accept` decides, not the file mode. Makes the directory (0755) when missing.
 * Rejects with SocketError: `address_too_long`, `address_in_use`, `address_unsafe`, `peer_identity_unavailable` (Windows; Node without koffi),
 * `permission_denied`, `io_failed`.
 */
export async function listenLocal(options: ListenOptions): Promise<LocalListener> {
  const { path, signal, onEvent = () => {} } = options;
  const limits: SocketLimits = { ...socketLimits, ...options.limits };
  signal?.throwIfAborted();
  checkAddress(path);
  const readPeer = openPeerReader(path);
  await claimAddress(path, { timeoutMs: limits.dialTimeoutMs });
  signal?.throwIfAborted();

  const admission = new Admission({ ...options, errors: options.contract.errors, limits, onEvent, readPeer });
  // Half-open, so that the last answers are written after a client ended its side; paused, so that nothing is read before it is known who it is.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => admission.admit(socket));
  await startListening(server, path);
  server.on('error', (error) => onEvent({ kind: 'listener_failed', error }));
  chmodSync(path, 0o666);
  const { ino } = lstatSync(path);

  async function close(): Promise<void> {
    if (!server.listening) return;
    server.close();
    admission.dropRefused();
    // The runtime removes the path when it closes; this is for one that does so later, and never touches a successor's socket.
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) unlinkSync(path);
  }

  return {
    path,
    get connectionCount() {
      return admission.count;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function startListening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error) => reject(translateOsError(cause, { attempt: 'listen', path }));
    server.once('error', onError);
    server.listen({ path }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

interface AdmissionOptions extends Required<Pick<ListenOptions, 'accept' | 'onConnection' | 'onEvent'>> {
  errors: ErrorTable;
  limits: SocketLimits;
  readPeer: PeerReader;
}

class Admission {
  private readonly options: AdmissionOptions;
  private readonly sockets = new Set<Socket>();
  private readonly refused = new Set<Socket>();
  private readonly countByUid = new Map<number, number>();

  constructor(options: AdmissionOptions) {
    this.options = options;
  }

  get count(): number {
    return this.sockets.size - this.refused.size;
  }

  admit(socket: Socket): void {
    const { limits, onEvent } = this.options;
    // The owner of the connection reports its errors; without any listener one would end the process.
    socket.on('error', () => {});
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    try {
      const actual = this.sockets.size;
      const maximum = limits.connectionsMax;
      if (actual > maximum) this.refuseFull(socket, { limit: 'connectionsMax', maximum, actual });
      else this.identify(socket);
    } catch (error) {
      socket.destroy();
      onEvent({ kind: 'connection_failed', error });
    }
  }

  dropRefused(): void {
    for (const socket of this.refused) socket.destroy();
  }

  private identify(socket: Socket): void {
    const { accept, onEvent, readPeer } = this.options;
    let peer: LocalPeer;
    try {
      peer = readPeer(socket);
    } catch (error) {
      socket.destroy();
      onEvent({ kind: 'peer_unidentified', error });
      return;
    }
    const verdict = accept(peer);
    if (verdict.ok) {
      this.enter(socket, peer);
      return;
    }
    this.refuse(socket, new KlpError('Unauthorized', verdict.reason));
    onEvent({ kind: 'peer_refused', peer, reason: verdict.reason });
  }

  private enter(socket: Socket, peer: LocalPeer): void {
    const { limits, onConnection } = this.options;
    const actual = (this.countByUid.get(peer.uid) ?? 0) + 1;
    const maximum = limits.connectionsPerUserMax;
    if (actual > maximum) {
      this.refuseFull(socket, { limit: 'connectionsPerUserMax', maximum, actual });
      return;
    }
    this.countByUid.set(peer.uid, actual);
    socket.once('close', () => this.leave(peer.uid));
    onConnection(socket, peer);
  }

  private leave(uid: number): void {
    const left = (this.countByUid.get(uid) ?? 1) - 1;
    if (left === 0) this.countByUid.delete(uid);
    else this.countByUid.set(uid, left);
  }

  private refuseFull(socket: Socket, passed: LimitPassed): void {
    this.refuse(socket, limitError('RateLimit', passed));
    this.options.onEvent({ kind: 'connections_full', passed });
  }

  /** One frame, then the end; nothing the peer sent is read. Closing at once could cost it the frame, so it gets a moment. */
  private refuse(socket: Socket, error: KlpError): void {
    const { errors, limits } = this.options;
    // A flood gets no such courtesy.
    if (this.sockets.size > 2 * limits.connectionsMax) {
      socket.destroy();
      return;
    }
    this.refused.add(socket);
    const timer = setTimeout(() => socket.destroy(), limits.refusalLingerMs);
    socket.once('close', () => {
      clearTimeout(timer);
      this.refused.delete(socket);
    });
    socket.end(encodeFrame(encodeError(null, error, errors)));
  }
}
