/** A signed release and the files beside it, in a directory or on a server. Nothing of what comes is believed here. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { signedReleaseBytesMax } from '@kanade/shared/release';
import { Failure } from '../answer/answer.ts';

export interface ReleaseSource {
  /** The signed release, not larger than one may be. */
  signed(): Promise<Uint8Array>;
  /** A file that lies beside it, by a name without a path. */
  open(name: string): AsyncIterable<Uint8Array>;
}

const pieceBytes = 1024 * 1024;

export function fileSource(path: string): ReleaseSource {
  const failed = (cause: unknown): Failure =>
    new Failure('file_unreadable', `the release cannot be read: ${(cause as Error).message}`, { cause });
  return {
    async signed() {
      try {
        const { size } = await stat(path);
        if (size > signedReleaseBytesMax)
          throw new Error(`${path} has ${size} bytes, at most ${signedReleaseBytesMax}`);
        return await readFile(path);
      } catch (error) {
        throw failed(error);
      }
    },
    async *open(name) {
      try {
        yield* createReadStream(join(dirname(path), name), { highWaterMark: pieceBytes }) as AsyncIterable<Uint8Array>;
      } catch (error) {
        throw (error as NodeJS.ErrnoException).code === undefined ? error : failed(error);
      }
    },
  };
}

/** Redirections that are followed, and how long a server may say nothing, in ms. */
const limits = { redirections: 5, silenceMs: 30_000 } as const;

/** Throws Failure `url_refused` at once, and `download_failed` when it is read. */
export function urlSource(text: string, signal: AbortSignal): ReleaseSource {
  const url = safeUrl(text);
  /** Where it was at last: its files lie beside it there. */
  let place = url;
  return {
    async signed() {
      const parts: Uint8Array[] = [];
      let bytes = 0;
      for await (const part of download(url, signal, (at) => {
        place = at;
      })) {
        bytes += part.length;
        if (bytes > signedReleaseBytesMax)
          throw new Failure(
            'download_failed',
            `${shown(url)} has more than the ${signedReleaseBytesMax} bytes of a signed release`,
          );
        parts.push(part);
      }
      return Buffer.concat(parts);
    },
    open: (name) => download(new URL(encodeURIComponent(name), place), signal),
  };
}

/** HTTPS, or this machine itself; no name and password, which would stand in the list of processes. */
function safeUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (!url)
    throw new Failure('url_refused', 'that is no URL: give one such as https://downloads.example/1.4.0/release.json');
  const isOwn = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isOwn))
    throw new Failure(
      'url_refused',
      `${shown(url)} is refused: only https is taken, and http from this machine itself`,
    );
  if (url.username !== '' || url.password !== '')
    throw new Failure(
      'url_refused',
      `${shown(url)} is refused: a URL with a name or a password in it can be read by others`,
    );
  return url;
}

/** Without what may be secret in it. */
const shown = (url: URL): string => `${url.protocol}//${url.host}${url.pathname}`;

async function* download(url: URL, signal: AbortSignal, onFound?: (at: URL) => void): AsyncGenerator<Uint8Array> {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new Error(`nothing came for ${limits.silenceMs / 1_000} s`)),
    limits.silenceMs,
  );
  try {
    const { body, at } = await bodyOf(url, AbortSignal.any([signal, silence.signal]));
    onFound?.(at);
    for await (const part of body) {
      timer.refresh();
      yield part;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && ['Failure', 'UpdateError'].includes(error.name)) throw error;
    const why =
      (error as Error).cause instanceof Error ? ((error as Error).cause as Error).message : (error as Error).message;
    throw new Failure('download_failed', `${shown(url)} could not be fetched: ${why}`, {
      retryable: true,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

async function bodyOf(start: URL, signal: AbortSignal): Promise<{ body: AsyncIterable<Uint8Array>; at: URL }> {
  let url = start;
  for (let redirections = 0; redirections <= limits.redirections; redirections++) {
    const response = await fetch(url, { signal, redirect: 'manual', credentials: 'omit' });
    const to = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (to !== null) {
      await response.body?.cancel();
      url = safeUrl(to, url); // each of them: the last one is where the bytes come from
      continue;
    }
    if (response.status === 200 && response.body) return { body: response.body, at: url };
    await response.body?.cancel();
    throw new Failure('download_failed', `${shown(url)} answers ${response.status}`, {
      retryable: response.status >= 500,
    });
  }
  throw new Failure(
    'download_failed',
    `${shown(start)} leads on and on: more than ${limits.redirections} redirections`,
  );
}
