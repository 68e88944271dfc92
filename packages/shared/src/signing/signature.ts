import { shown } from '../scalar/wording.ts';

/** Headers of a signed order. The signature is detached: the body stays what unsigned-era agents can read. */
export const signatureHeaders = {
  signature: 'Kanade-Sig',
  kid: 'Kanade-Sig-Kid',
  algorithm: 'Kanade-Sig-Alg',
  at: 'Kanade-Sig-At',
} as const;

/** The one algorithm; also what an absent `Kanade-Sig-Alg` means. */
export const signatureAlgorithm = 'ed25519';
const signatureBytes = 64;

/** Header values by name. An absent header is undefined; an empty one is there, and malformed. */
export type Headers = Readonly<Record<string, string | undefined>>;

export interface Signature {
  readonly kid: string;
  readonly bytes: Uint8Array;
  /** Signing time, in milliseconds since the epoch. */
  readonly atMs: number;
}

export type SignatureRead =
  | { readonly ok: true; readonly signature: Signature }
  | { readonly ok: false; readonly error: 'Unsigned' | 'Malformed' | 'UnsupportedAlg'; readonly reason: string };

/** The bytes that are signed: the signing time as 8 bytes big-endian, then the body as it travels. */
export function signedMaterial(atMs: number, body: Uint8Array): Uint8Array {
  const material = new Uint8Array(8 + body.length);
  new DataView(material.buffer).setBigInt64(0, BigInt(atMs));
  material.set(body, 8);
  return material;
}

/** The headers for a signature over `signedMaterial(atMs, body)`. */
export function writeSignatureHeaders({ kid, bytes, atMs }: Signature): Record<string, string> {
  return {
    [signatureHeaders.signature]: base64OfBytes(bytes),
    [signatureHeaders.kid]: kid,
    [signatureHeaders.algorithm]: signatureAlgorithm,
    [signatureHeaders.at]: String(atMs),
  };
}

/** Reads the headers: none of them = unsigned, some of them = malformed; only the algorithm may be left out. */
export function readSignatureHeaders(headers: Headers): SignatureRead {
  const { signature, kid, algorithm, at } = signatureHeaders;
  if ([signature, kid, algorithm, at].every((name) => headers[name] === undefined)) {
    return { ok: false, error: 'Unsigned', reason: 'carries no signature' };
  }
  const missing = [signature, kid, at].filter((name) => !headers[name]);
  if (missing.length > 0) return malformed(`${missing.join(', ')} missing beside the other signature headers`);
  const given = headers[algorithm] ?? signatureAlgorithm;
  if (given !== signatureAlgorithm) {
    return { ok: false, error: 'UnsupportedAlg', reason: `signed with an algorithm we do not know: ${shown(given)}` };
  }
  const atText = headers[at] ?? '';
  const atMs = Number(atText);
  if (!/^-?\d{1,16}$/.test(atText) || !Number.isSafeInteger(atMs)) {
    return malformed(`${at} is not a number of milliseconds: ${shown(atText)}`);
  }
  const bytes = bytesOfBase64(headers[signature] ?? '');
  if (bytes?.length !== signatureBytes) return malformed(`${signature} is not base64 of ${signatureBytes} bytes`);
  return { ok: true, signature: { kid: headers[kid] ?? '', bytes, atMs } };
}

/** Fingerprint of a key from the SHA-256 of its 32 raw bytes: the first 8 bytes, lower-case hex. */
function keyFingerprint(sha256: Uint8Array): string {
  return [...sha256.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** How a heartbeat names a key. */
export const commandKey = (kid: string, sha256: Uint8Array): string => `${kid}:${keyFingerprint(sha256)}`;

function malformed(reason: string): SignatureRead {
  return { ok: false, error: 'Malformed', reason };
}

/** Standard base64 with padding, of not more than some hundred bytes. */
export const base64OfBytes = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

/** Standard base64 with padding, in its one canonical spelling; undefined otherwise. */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  try {
    const binary = atob(text);
    return btoa(binary) === text ? Uint8Array.from(binary, (char) => char.charCodeAt(0)) : undefined;
  } catch {
    return undefined;
  }
}
