import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const coded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(by: KeyPair, sub: string, nats: object, more: object = {}): string {
  const claims = {
    jti: `${Math.random()}`,
    iat: Math.floor(Date.now() / 1000),
    iss: by.getPublicKey(),
    sub,
    nats,
    ...more,
  };
  const body = `${coded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${coded(claims)}`;
  return `${body}.${Buffer.from(by.sign(new TextEncoder().encode(body))).toString('base64url')}`;
}

const unlimited = { subs: -1, data: -1, payload: -1 };

/** A server whose users are signed, and what `nsc` would write for users of its one account. */
export function createSignedUsers() {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const nats = {
    type: 'account',
    version: 2,
    limits: {
      ...unlimited,
      imports: -1,
      exports: -1,
      wildcards: true,
      conn: -1,
      leaf: -1,
      mem_storage: -1,
      disk_storage: -1,
      streams: -1,
      consumer: -1,
    },
  };
  const accountJwt = signed(operator, account.getPublicKey(), nats, { name: 'people' });
  return {
    /** Lines of the server's configuration. */
    lines: [
      `operator: ${signed(operator, operator.getPublicKey(), { type: 'operator', version: 2 }, { name: 'house' })}`,
      'resolver: MEMORY',
      `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    ],
    /** Text of a `.creds` file; `exp` in seconds since 1970. */
    creds(name: string, exp?: number): string {
      const user = nkeys.createUser();
      const jwt = signed(
        account,
        user.getPublicKey(),
        { type: 'user', version: 2, ...unlimited },
        { name, ...(exp ? { exp } : {}) },
      );
      const seed = text(user.getSeed());
      return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
    },
  };
}

/** An NKey: its seed for a file, its public half for the server. */
export function createKey(): { seed: string; user: string } {
  const pair = nkeys.createUser();
  return { seed: text(pair.getSeed()), user: pair.getPublicKey() };
}
