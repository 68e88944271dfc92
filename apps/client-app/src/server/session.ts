/* Who may use the API: the browser that got an address. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Proof that a page was opened by the person who started the program. */
export interface Session {
  /** A token for one exchange. Of those that nobody has traded yet the last {@link invitationsMax} are good. */
  issue(): Invitation;
  /** The session's key for a token; undefined for a wrong one and for one that was traded. */
  exchange(token: string): string | undefined;
  /** True for the key that `exchange` gave. */
  holds(key: string): boolean;
}

export interface Invitation {
  readonly token: string;
  /** Resolves when the token is good for nothing any more: traded, or pushed out by newer ones. */
  readonly used: Promise<void>;
}

/** Tokens that wait for their browser at one time. */
export const invitationsMax = 16;

/** Random bytes of a token and of a key: 256 bits, so that guessing needs no counting of failures. */
const secretBytes = 32;

/** A token is good for one exchange: it may lie in a terminal or in a browser's history, where others see it later. */
export function createSession(): Session {
  const key = randomBytes(secretBytes).toString('base64url');
  const waiting = new Map<string, () => void>();
  let isExchanged = false;
  const end = (token: string): void => {
    waiting.get(token)?.();
    waiting.delete(token);
  };
  return {
    issue() {
      const token = randomBytes(secretBytes).toString('base64url');
      const { promise: used, resolve } = Promise.withResolvers<void>();
      waiting.set(token, resolve);
      const [oldest] = waiting.keys();
      if (waiting.size > invitationsMax && oldest !== undefined) end(oldest);
      return { token, used };
    },
    exchange(offered) {
      const token = [...waiting.keys()].find((one) => equalSecrets(offered, one));
      if (token === undefined) return undefined;
      end(token);
      isExchanged = true;
      return key;
    },
    holds: (offered) => isExchanged && equalSecrets(offered, key),
  };
}

/** Compares digests: they have one length, so the time taken tells nothing about the secret. */
function equalSecrets(offered: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(offered), digest(secret));
}
