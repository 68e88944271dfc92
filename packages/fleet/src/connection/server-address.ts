import { FleetError } from '../fault/fleet-error.ts';

/** Port of a broker whose address names none. */
const portDefault = 4222;

/** Who we say that we are, as one source has it. At most one of them, `user` and `password` together. */
export interface Login {
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** File of a signed user (`.creds`), and of an NKey seed. */
  readonly creds?: string;
  readonly nkey?: string;
}

/** One address of a broker, and what stood in front of the `@` of it. */
export interface ServerAddress {
  /** `nats://host:port` or `tls://host:port`: nothing secret. */
  readonly url: string;
  /** The address insists on TLS. */
  readonly isTls: boolean;
  readonly login: Login | undefined;
}

const escapes = 'in a password write / ? # @ : , % as %2F %3F %23 %40 %3A %2C %25';

/** Splits a list of addresses at its commas. Throws FleetError `connection_invalid`, which repeats no credentials. */
export function parseAddresses(text: string, from: string): ServerAddress[] {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  // A comma in a password makes two parts of one address, and neither may be shown or taken for a host.
  const hides = text.includes('@');
  return parts.map((part) => {
    const shown = hides ? `…${part.slice(part.lastIndexOf('@') + 1 || part.length)}` : JSON.stringify(part);
    const fail = (why: string): never => {
      const advice = hides ? `; ${escapes}` : '';
      throw new FleetError('connection_invalid', `an address of ${from} cannot be used: ${shown}: ${why}${advice}`);
    };
    if (hides && !part.includes('://')) return fail('beside credentials, each must begin with nats:// or tls://');
    return parseAddress(part, fail);
  });
}

function parseAddress(text: string, fail: (why: string) => never): ServerAddress {
  const [, scheme = 'nats', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(text) ?? [];
  const kind = scheme.toLowerCase();
  if (kind !== 'nats' && kind !== 'tls') return fail('it must begin with nats:// or tls://');
  let url: URL;
  try {
    url = new URL(`http://${rest}`);
  } catch {
    return fail('it must be host or host:port');
  }
  if ((url.pathname !== '/' && url.pathname !== '') || url.search !== '' || url.hash !== '' || /\s/.test(rest)) {
    return fail('nothing may stand behind host and port');
  }
  // Port 80 is the one that a URL of this scheme leaves out.
  const port = url.port === '' ? (/:80\/?$/.test(rest) ? 80 : portDefault) : Number(url.port);
  return { url: `${kind}://${url.hostname}:${port}`, isTls: kind === 'tls', login: loginIn(url, fail) };
}

function loginIn({ username, password }: URL, fail: (why: string) => never): Login | undefined {
  if (username === '' && password === '') return undefined;
  try {
    const user = decodeURIComponent(username);
    return password === '' ? { token: user } : { user, password: decodeURIComponent(password) };
  } catch {
    return fail('user or password is not encoded as in an address');
  }
}
