/**
 * Object stores of JetStream, byte for byte as the official clients have them. Store `s` is the stream `OBJ_s`:
 *
 *   $O.s.C.<nuid>     the bytes of one object in chunks, in order
 *   $O.s.M.<key>      the newest message describes the object: `ObjectInfo` as JSON, sent with `Nats-Rollup: sub`;
 *                     <key> is base64url of the UTF-8 name, WITH its padding (`=`)
 *   digest            `SHA-256=` and base64url of the hash of all bytes, with padding; readers take both forms
 *
 * A writer stores the chunks first and the description last, so what has a description is whole. Agents up to 0.1.0 left the
 * padding off the key: a reader looks under {@link objectMetaSubject}, then under {@link unpaddedMetaSubject}.
 */
/** Bytes of one chunk: what the official clients write unless they are told otherwise. Readers take any size. */
export const objectChunkBytes = 128 * 1_024;

export const objectStream = (store: string): string => `OBJ_${store}`;

/** What the stream of a store listens to. */
export const objectSubjects = (store: string): string[] => [`$O.${store}.C.>`, objectMetaFilter(store)];

export const objectChunkSubject = (store: string, nuid: string): string => `$O.${store}.C.${nuid}`;

/** Where the descriptions of all objects of a store are. */
export const objectMetaFilter = (store: string): string => `$O.${store}.M.>`;

/** Where the description of an object is. */
export const objectMetaSubject = (store: string, name: string): string =>
  `$O.${store}.M.${base64url(new TextEncoder().encode(name))}`;

/** Where an agent up to 0.1.0 wrote the description; the same subject for names whose length is a multiple of three. */
export const unpaddedMetaSubject = (store: string, name: string): string =>
  objectMetaSubject(store, name).replace(/=+$/, '');

/** The header that makes a description replace the one before it, and an empty chunk all chunks of its object. */
export const objectRollup = { name: 'Nats-Rollup', value: 'sub' } as const;

/** The digest of an object whose bytes have this SHA-256. */
export const objectDigest = (sha256: Uint8Array): string => `SHA-256=${base64url(sha256)}`;

/** The SHA-256 that a digest holds, in lower-case hex; undefined for what is no such digest. */
export function sha256OfDigest(digest: string): string | undefined {
  const [, encoded] = /^SHA-256=([A-Za-z0-9_+/-]{43})=?$/.exec(digest) ?? [];
  if (encoded === undefined) return undefined;
  const bytes = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
  return Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}
