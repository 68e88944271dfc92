import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { socketLimits } from '../limits.ts';
import { checkAddress, SocketError, translateOsError } from './address.ts';

export interface DialOptions {
  path: string;
  signal?: AbortSignal;
  /** Default 5,000 ms. */
  timeoutMs?: number;
}

/** Connects to a local socket or pipe. Rejects with SocketError, or with the signal's reason. */
export async function dialLocal(options: DialOptions): Promise<Duplex> {
  const { path, signal, timeoutMs = socketLimits.dialTimeoutMs } = options;
  signal?.throwIfAborted();
  checkAddress(path);
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
