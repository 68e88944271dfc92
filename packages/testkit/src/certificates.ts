/** Certificates for tests, made on the spot: an authority, and what it signs. P-256 and SHA-256, as DER by hand. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export interface Pem {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** Host names and IPv4 addresses. */
  readonly names?: readonly string[];
  /** Default: from yesterday. */
  readonly notBefore?: Date;
  /** Default: to tomorrow. */
  readonly notAfter?: Date;
}

export interface Authority {
  /** Its own certificate, as PEM. */
  readonly ca: string;
  /** A certificate for servers and clients, and its key. */
  issue(options?: IssueOptions): Pem;
}

const dayMs = 86_400_000;

/** Makes an authority that nobody trusts yet. */
export function createAuthority(name = 'kanade test authority'): Authority {
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = commonName(name);
  const make = (subject: Buffer, key: KeyObject, extensions: Buffer[], options: IssueOptions): string => {
    const { notBefore = new Date(Date.now() - dayMs), notAfter = new Date(Date.now() + dayMs) } = options;
    const body = sequence(
      der(0xa0, integer(2)),
      integer(1 + Math.floor(Math.random() * 2 ** 30)),
      ecdsaSha256,
      issuer,
      sequence(time(notBefore), time(notAfter)),
      subject,
      key.export({ type: 'spki', format: 'der' }),
      der(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', body, own.privateKey);
    return pem('CERTIFICATE', sequence(body, ecdsaSha256, der(0x03, Buffer.from([0]), signature)));
  };
  const isAuthority = extension('551d13', sequence(der(0x01, Buffer.from([0xff]))));
  return {
    ca: make(issuer, own.publicKey, [isAuthority], { notBefore: new Date(Date.now() - 30 * dayMs) }),
    issue(options = {}) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const names = (options.names ?? ['127.0.0.1', 'localhost']).map((text) =>
        /^[\d.]+$/.test(text) ? der(0x87, Buffer.from(text.split('.').map(Number))) : der(0x82, Buffer.from(text)),
      );
      const subject = commonName(options.names?.[0] ?? 'test');
      return {
        cert: make(subject, publicKey, [extension('551d11', sequence(...names))], options),
        key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      };
    },
  };
}

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: Buffer[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const ecdsaSha256 = sequence(oid('2a8648ce3d040302'));
const commonName = (text: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(text)))));
const extension = (id: string, value: Buffer): Buffer => sequence(oid(id), der(0x04, value));

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  // The first bit is the sign.
  return der(0x02, bytes[0] !== undefined && bytes[0] >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

/** `YYMMDDHHMMSSZ`. */
const time = (at: Date): Buffer => der(0x17, Buffer.from(`${at.toISOString().slice(2, 19).replaceAll(/[-T:]/g, '')}Z`));

const pem = (kind: string, bytes: Buffer): string =>
  `-----BEGIN ${kind}-----\n${(bytes.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${kind}-----\n`;
