/*
 * A listening local socket. What happens to one connection, in this order, before a byte of it is read:
 * room → identity by the operating system → `accept` → room for this user → `onConnection`.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { KlpError, type LimitPassed, limitError } from '../wire/error.ts';
import { encodeFrame } from '../wire/frame.ts';
import { encodeError } from '../wire/message.ts';
import { checkAddress, defaultAddress } from './address.ts';
import { claimAddress } from './claim.ts';
import { translateOsError } from './error.ts';
import { type SocketLimits, socketLimits } from './limits.ts';
import { type LocalPeer, openPeerReader, type PeerReader } from './peer-credentials.ts';
import type { Verdict } from './user-policy.ts';

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
  /** Default: where the agent listens. */
  path?: string;
  /** Who may connect. The reason of a refusal is shown to the refused peer. */
  accept: (peer: LocalPeer) => Verdict;
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
  const { path = defaultAddress(), signal, onEvent = () => {} } = options;
  const limits: SocketLimits = { ...socketLimits, ...options.limits };
  signal?.throwIfAborted();
  checkAddress(path);
  const readPeer = openPeerReader(path);
  await claimAddress(path, { timeoutMs: limits.dialTimeoutMs });
  signal?.throwIfAborted();

  const admission = createAdmission({ ...options, limits, onEvent, readPeer });
  // Half-open, so that the last answers are written after a client ended its side; paused, so that nothing is read before it is known who it is.
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, admission.admit);
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
      return admission.count();
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
  limits: SocketLimits;
  readPeer: PeerReader;
}

function createAdmission({ accept, onConnection, onEvent, limits, readPeer }: AdmissionOptions) {
  const sockets = new Set<Socket>();
  const refused = new Set<Socket>();
  const countByUid = new Map<number, number>();

  function admit(socket: Socket): void {
    // The owner of the connection reports its errors; without any listener one would end the process.
    socket.on('error', () => {});
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    try {
      if (sockets.size > limits.connectionsMax) {
        refuseFull(socket, { limit: 'connectionsMax', maximum: limits.connectionsMax, actual: sockets.size });
      } else {
        identify(socket);
      }
    } catch (error) {
      socket.destroy();
      onEvent({ kind: 'connection_failed', error });
    }
  }

  function identify(socket: Socket): void {
    let peer: LocalPeer;
    try {
      peer = readPeer(socket);
    } catch (error) {
      socket.destroy();
      onEvent({ kind: 'peer_unidentified', error });
      return;
    }
    const verdict = accept(peer);
    if (!verdict.ok) {
      refuse(socket, new KlpError('Unauthorized', verdict.reason));
      onEvent({ kind: 'peer_refused', peer, reason: verdict.reason });
      return;
    }
    const actual = (countByUid.get(peer.uid) ?? 0) + 1;
    const maximum = limits.connectionsPerUserMax;
    if (actual > maximum) {
      refuseFull(socket, { limit: 'connectionsPerUserMax', maximum, actual });
      return;
    }
    countByUid.set(peer.uid, actual);
    socket.once('close', () => leave(peer.uid));
    onConnection(socket, peer);
  }

  function leave(uid: number): void {
    const left = (countByUid.get(uid) ?? 1) - 1;
    if (left === 0) countByUid.delete(uid);
    else countByUid.set(uid, left);
  }

  function refuseFull(socket: Socket, passed: LimitPassed): void {
    refuse(socket, limitError('RateLimit', passed));
    onEvent({ kind: 'connections_full', passed });
  }

  /** One frame, then the end; nothing the peer sent is read. Closing at once could cost it the frame, so it gets a moment. */
  function refuse(socket: Socket, error: KlpError): void {
    // A flood gets no such courtesy.
    if (sockets.size > 2 * limits.connectionsMax) {
      socket.destroy();
      return;
    }
    refused.add(socket);
    const timer = setTimeout(() => socket.destroy(), limits.refusalLingerMs);
    socket.once('close', () => {
      clearTimeout(timer);
      refused.delete(socket);
    });
    socket.end(encodeFrame(encodeError(null, error)));
  }

  return {
    admit,
    count: () => sockets.size - refused.size,
    dropRefused: () => {
      for (const socket of refused) socket.destroy();
    },
  };
}
