/*
 * One Client App for each person and agent. The one that runs listens on a socket in a directory of the person; whoever is started later asks it
 * for an address of the page and ends. The socket is the lock: the system closes it with its process, however that ends, and one that nobody
 * answers is taken over. Both ends know by the system's word that the other one is the same person.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { dialLocal, listenLocal, SocketError } from '@kanade/klp/socket';
import { localContract } from '@kanade/shared/local';

/** How to the page of the one that runs. */
export interface Found {
  readonly url: string;
  /** For a browser that is to be opened; see `HandOver`. */
  readonly file: string;
}

/** One that does not answer for this long is as good as none, in ms. */
const answerMs = 3_000;

/** Asks the Client App that runs for a new address; undefined when none does, or none that answers. Rejects with SocketError where another user could answer. */
export async function askRunning(path: string): Promise<Found | undefined> {
  const signal = AbortSignal.timeout(answerMs);
  let socket: Duplex;
  try {
    socket = await dialLocal({ path, signal });
  } catch (error) {
    if (signal.aborted || isNobody(error)) return undefined;
    throw error;
  }
  const giveUp = (): void => void socket.destroy();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return readFound(await text(socket));
  } catch {
    return undefined;
  } finally {
    signal.removeEventListener('abort', giveUp);
    socket.destroy();
  }
}

/** Answers whoever asks, as the same user, until disposed of. Rejects with SocketError; `address_in_use` when another one was quicker. */
export async function answerOthers(
  path: string,
  { uid, onAsked }: { readonly uid: number; readonly onAsked: () => Promise<Found> },
): Promise<AsyncDisposable> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return listenLocal({
    path,
    contract: localContract,
    accept: (peer) =>
      peer.uid === uid ? { ok: true } : { ok: false, reason: 'this is the Client App of another user' },
    onConnection(socket) {
      socket.on('error', () => socket.destroy());
      onAsked().then(
        (found) => socket.end(JSON.stringify(found)),
        () => socket.destroy(),
      );
    },
  });
}

const isNobody = (error: unknown): boolean =>
  error instanceof SocketError && ['server_absent', 'server_stopped', 'timed_out'].includes(error.code);

function readFound(answer: string): Found | undefined {
  const found: unknown = JSON.parse(answer);
  if (typeof found !== 'object' || found === null) return undefined;
  const { url, file } = found as Partial<Found>;
  const isOurs = typeof url === 'string' && /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]+$/.test(url);
  return isOurs && typeof file === 'string' ? { url, file } : undefined;
}
