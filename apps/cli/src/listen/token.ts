/** The bearer token: who may call. From the environment or a file that nobody else can read; compared in constant time. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../answer/answer.ts';
import { dataFile } from '../local/settings.ts';
import type { ListenGiven } from './options.ts';

export interface Access {
  /** The file that a caller takes the token from; undefined when it is in the environment, or none is asked for. */
  readonly tokenFile: string | undefined;
  /** True for the value of an `Authorization` header that holds the token, and for any where none is asked for. */
  admits(authorization: string | undefined): boolean;
}

/** Bytes of a token file that are read. */
const fileBytesMax = 4096;

/** Characters of a token from a file: fewer can be guessed. */
const tokenCharsMin = 16;

/**
 * By the first that applies: `--token-file`, `AGENT_EXEC_SERVE_TOKEN`, nobody is asked (`--insecure`), the file of the user, which is made
 * when it is not there. Throws `token_unusable`.
 */
export function accessOf(given: ListenGiven, env: Readonly<Record<string, string | undefined>>): Access {
  const file = given['token-file'];
  if (file !== undefined) return { tokenFile: file, admits: holderOf(readToken(file)) };
  if (env.AGENT_EXEC_SERVE_TOKEN) return { tokenFile: undefined, admits: holderOf(env.AGENT_EXEC_SERVE_TOKEN) };
  if (given.insecure) return { tokenFile: undefined, admits: () => true };
  const own = dataFile('serve.token', env);
  return { tokenFile: own, admits: holderOf(readToken(own, makeToken)) };
}

/** Compares digests: they have one length, so the time taken tells nothing about the token. */
function holderOf(token: string): Access['admits'] {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return (authorization) => {
    const offered = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
    return timingSafeEqual(digest(offered ?? ''), expected) && offered !== undefined;
  };
}

/** A new file beside the place and a link to it: of two that start at once, one makes the token and both read it. */
function makeToken(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(fresh, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
}

function readToken(path: string, make?: (path: string) => void): string {
  try {
    return readOwnFile(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof Failure) throw error;
    if (code !== 'ENOENT' || !make) throw unusable(path, message);
  }
  try {
    make(path);
  } catch (error) {
    throw unusable(path, (error as Error).message);
  }
  return readToken(path);
}

/** A link is refused, and a file that somebody else could have written or read. */
function readOwnFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(fd);
    const uid = process.getuid?.();
    if (!stat.isFile()) throw unusable(path, 'it is no file');
    if (uid !== undefined && stat.uid !== uid && stat.uid !== 0) throw unusable(path, 'it belongs to somebody else');
    if (uid !== undefined && (stat.mode & 0o077) !== 0) throw unusable(path, `others can read it: chmod 600 ${path}`);
    const bytes = Buffer.alloc(fileBytesMax);
    const token = bytes.toString('utf8', 0, readSync(fd, bytes, 0, fileBytesMax, 0)).trim();
    if (token.length < tokenCharsMin || /\s/.test(token))
      throw unusable(path, `a token is one word of at least ${tokenCharsMin} characters`);
    return token;
  } finally {
    closeSync(fd);
  }
}

const unusable = (path: string, why: string): Failure =>
  new Failure('token_unusable', `could not take the token from ${path}: ${why}`);
