import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { socketLimits } from '../limits.ts';
import { checkAddress, SocketError, translateOsError } from './address.ts';
import { type CredentialReader, openCredentialReader } from './peer-identity.ts';
import { isTrusted, socketProblem, trustedUids } from './trust.ts';

export interface DialOptions {
  path: string;
  /** Users who may serve beside root and the one who dials. Default none. */
  serverUids?: readonly number[];
  signal?: AbortSignal;
  /** Default 5,000 ms. */
  timeoutMs?: number;
}

/**
 * Connects to a local socket or pipe, once it is known that nobody else is behind it: every directory above the socket and the socket itself must belong
 * to root, to this user or to `serverUids`, no other may write there, and the process that listens must run as one of them. That last is the operating
 * system's word where it can be had (not on Node without koffi, where the owner of the socket stands for it); Windows has no check yet.
 * Rejects with SocketError, `server_untrusted` when it is somebody else, before a byte is written; or with the signal's reason.
 */
export async function dialLocal(options: DialOptions): Promise<Duplex> {
  const { path, serverUids, signal } = options;
  signal?.throwIfAborted();
  checkAddress(path);
  const uids = trustedUids(serverUids);
  checkSocket(path, uids);
  const socket = await connectSocket(options);
  try {
    checkServer(socket, path, uids);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function checkSocket(path: string, uids: readonly number[]): void {
  if (process.platform === 'win32') return;
  let problem: string | undefined;
  try {
    problem = socketProblem(path, uids);
  } catch (cause) {
    throw translateOsError(cause, { attempt: 'dial', path });
  }
  if (problem !== undefined) throw untrusted(path, problem);
}

function checkServer(socket: Socket, path: string, uids: readonly number[]): void {
  const read = credentialReader(path);
  const uid = read?.(socket).uid;
  if (uid !== undefined && !isTrusted(uid, uids)) throw untrusted(path, `uid ${uid} serves it`);
}

function credentialReader(path: string): CredentialReader | undefined {
  try {
    return openCredentialReader(path);
  } catch (error) {
    if (error instanceof SocketError) return undefined;
    throw error;
  }
}

function untrusted(path: string, detail: string): SocketError {
  return new SocketError('server_untrusted', path, { message: `dial: ${path}: ${detail}; nothing was sent` });
}

/** Connects to whoever is there. Rejects with SocketError, or with the signal's reason. */
export async function connectSocket(options: Pick<DialOptions, 'path' | 'signal' | 'timeoutMs'>): Promise<Socket> {
  const { path, signal, timeoutMs = socketLimits.dialTimeoutMs } = options;
  signal?.throwIfAborted();
  // Half-open, so that what the server still writes after our end is not cut off.
  const socket = connect({ path, allowHalfOpen: true });
  const settled = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    const message = `dial: ${path}: no connection within ${timeoutMs} ms; the server does not accept`;
    settled.reject(new SocketError('timed_out', path, { message }));
  }, timeoutMs);
  const onAbort = () => settled.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const onError = (cause: Error) => settled.reject(translateOsError(cause, { attempt: 'dial', path }));
  socket.once('connect', () => settled.resolve());
  socket.on('error', onError);
  try {
    await settled.promise;
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
