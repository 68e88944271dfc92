/* Who may use the API: the browser that got the address. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** Proof that a page was opened by the person who started the program. */
export interface Session {
  /** Handed out once, in the address that is printed at start. */
  readonly token: string;
  /** The session's key for the token; undefined for a wrong token and for every token after the first right one. */
  exchange(token: string): string | undefined;
  /** Resolves when the token has been traded. */
  readonly used: Promise<void>;
  /** True for the key that `exchange` gave. */
  holds(key: string): boolean;
}

/** Random bytes of a token and of a key: 256 bits, so that guessing needs no counting of failures. */
const secretBytes = 32;

/** The token is good for one exchange: it may lie in a terminal or in a browser's history, where others see it later. */
export function createSession(): Session {
  const token = randomBytes(secretBytes).toString('base64url');
  const key = randomBytes(secretBytes).toString('base64url');
  let isExchanged = false;
  const { promise: used, resolve } = Promise.withResolvers<void>();
  return {
    token,
    used,
    exchange(offered) {
      if (isExchanged || !equalSecrets(offered, token)) return undefined;
      isExchanged = true;
      resolve();
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
