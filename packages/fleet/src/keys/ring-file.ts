/** Key rings as an operator keeps them: one file, changed as a whole, to be brought to machines. */
import { lookGuarded, replaceFile } from '@kanade/durable/files';
import { type KeyringFile, keyringBytesMax, keyringKind, readKeyring, type TrustedKey } from '@kanade/shared/fleet';
import { FleetError } from '../fault/fleet-error.ts';
import { commandKeyOf, readTrusted } from './key-files.ts';

/** What a ring says. */
export interface RingAnswer {
  readonly enforcing: boolean;
  /** Each key with its `kid:fingerprint`. */
  readonly keys: readonly (TrustedKey & { readonly command_key: string })[];
}

/** The ring in a file; undefined where no file is. Throws FleetError `ring_invalid`. */
export function readRing(path: string): RingAnswer | undefined {
  const ring = readFile(path);
  return ring && answerOf(ring);
}

/** What is public of a key, from its file (`<kid>.pub.json`). Throws FleetError `key_not_found`, `key_invalid`. */
export const trustedKeyIn = (path: string): TrustedKey => readTrusted(path);

/**
 * Takes a key into the ring, which is made where it is not there; the same key again takes the place of what is said of it. Throws
 * FleetError `key_exists` when another key has that id, and `ring_invalid`.
 */
export function trustKey(path: string, key: TrustedKey, enforcing?: boolean): RingAnswer {
  const ring = readFile(path) ?? emptyRing;
  const known = ring.keys.find(({ kid }) => kid === key.kid);
  if (known && known.public_key !== key.public_key) {
    throw new FleetError('key_exists', `${path} trusts another key by the name ${key.kid}: remove that one first`);
  }
  const keys = [...ring.keys.filter(({ kid }) => kid !== key.kid), key];
  return write(path, { ...ring, ...(enforcing === undefined ? {} : { enforcing }), keys });
}

/** Takes a key out of the ring. Throws FleetError `key_not_found` and `ring_invalid`: an enforcing ring needs a key. */
export function distrustKey(path: string, kid: string): RingAnswer {
  const ring = readFile(path) ?? emptyRing;
  const keys = ring.keys.filter((key) => key.kid !== kid);
  if (keys.length === ring.keys.length) throw new FleetError('key_not_found', `${path} does not trust a key ${kid}`);
  return write(path, { ...ring, keys });
}

/** Makes machines refuse what is not signed, or only report it. Throws FleetError `ring_invalid`: an enforcing ring needs a key. */
export function setEnforcing(path: string, enforcing: boolean): RingAnswer {
  return write(path, { ...(readFile(path) ?? emptyRing), enforcing });
}

const emptyRing: KeyringFile = { kind: keyringKind, keys: [] };

function readFile(path: string): KeyringFile | undefined {
  // As machines look at it: one that others may write says nothing of whom they trust.
  const found = lookGuarded(path, { guard: 'public', bytesMax: keyringBytesMax });
  if (found.ok) return parse(path, new TextDecoder().decode(found.bytes));
  if (found.fault === 'missing') return undefined;
  throw new FleetError('ring_invalid', `key ring ${path}: ${found.why}`, { cause: found.cause });
}

function parse(path: string, text: string): KeyringFile {
  const read = readKeyring([{ name: path, text }]);
  if (!read.ok) throw new FleetError('ring_invalid', `key ring ${read.reason}`);
  return { kind: keyringKind, enforcing: read.enforcing, keys: [...read.keys] };
}

/** In one step: whoever reads it meanwhile, an agent that watches it above all, has the old one or the new one. */
function write(path: string, ring: KeyringFile): RingAnswer {
  const text = `${JSON.stringify(ring, null, 2)}\n`;
  parse(path, text);
  replaceFile(path, text, { durable: true, mode: 0o644 }); // public, and of no use to an agent that may not read it
  return answerOf(ring);
}

const answerOf = ({ enforcing = false, keys }: KeyringFile): RingAnswer => ({
  enforcing,
  keys: keys.map((key) => ({ ...key, command_key: commandKeyOf(key) })),
});
