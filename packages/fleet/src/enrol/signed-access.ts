import { credsAuthenticator } from '@nats-io/transport-node';
import { given } from '../connection/access-file.ts';
import type { BrokerAccess } from '../connection/broker-access.ts';
import { credsOf } from './authority.ts';
import { claimsOf } from './claims.ts';
import { nkeyOf } from './nkey-file.ts';

/** A signed user, and where its broker is. */
export interface SignedUser {
  readonly servers: readonly string[];
  readonly ca?: string | undefined;
  readonly tls_first?: boolean | undefined;
  readonly jwt: string;
  readonly seed: string;
}

/** The access of a user whose credentials are at hand, not in a file. Throws FleetError `connection_invalid`. */
export function signedAccess({ servers, ca, tls_first: first, jwt, seed }: SignedUser): BrokerAccess {
  const user = nkeyOf(seed, 'what is at hand', 'U');
  const inboxPrefix = `_INBOX.${user.getPublicKey()}`;
  const authenticator = credsAuthenticator(new TextEncoder().encode(credsOf(jwt, user)));
  const isTls = ca !== undefined || first === true || servers.some((server) => server.startsWith('tls://'));
  return {
    servers,
    identity: `signed user ${JSON.stringify(claimsOf(jwt).name ?? user.getPublicKey())}`,
    inboxPrefix,
    toOptions: () => ({
      servers: [...servers],
      inboxPrefix,
      authenticator,
      ...(isTls ? { tls: { ...given('ca', ca), ...given('handshakeFirst', first || undefined) } } : {}),
    }),
  };
}
