/**
 * Whom this machine obeys: the key ring, read at the start and again whenever it changes.
 *
 * | ring     | when                                    | orders                                                         |
 * |----------|-----------------------------------------|----------------------------------------------------------------|
 * | `absent` | none was named                          | run, whoever sent them; envelopes are refused                  |
 * | `held`   | it was read                             | are verified; what is not good is refused when it is enforcing |
 * | `locked` | it was named and cannot be relied upon  | are refused, all of them                                       |
 *
 * A ring that is damaged while it is held is looked at once more before it locks: whoever writes it in place is given the time.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { lookGuarded } from '@kanade/durable/files';
import {
  commandKey,
  commandProtocols,
  type Heartbeat,
  type Keyring,
  keyPolicy,
  keyringBytesMax,
  keyringFilesMax,
  publicKeyOf,
  readKeyring,
  type TrustedKey,
} from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import { faultOnWay } from '../store/ownership.ts';

export type KeyRing =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'held';
      readonly keys: Keyring;
      readonly enforcing: boolean;
      /** `kid:fingerprint` of each key. */
      readonly commandKeys: readonly string[];
    }
  | { readonly kind: 'locked'; readonly reason: string };

/** The ring as it stands. What is read anew takes the place of what was; `current` is another object then. */
export interface KeyRingHolder extends Disposable {
  readonly current: KeyRing;
}

export interface KeyRingOptions {
  /** A file, or a directory of `*.json` files; undefined = nobody named one. */
  readonly path: string | undefined;
  /** Told of the ring at the start, and of each other one that takes its place. */
  readonly onChange: (ring: KeyRing) => void;
  readonly log: Logger;
}

/** Reads the ring and follows it. Never throws: what cannot be read locks. */
export function openKeyRing({ path, onChange, log }: KeyRingOptions): KeyRingHolder {
  if (path === undefined) {
    const absent: KeyRing = { kind: 'absent' };
    onChange(absent);
    return { current: absent, [Symbol.dispose]: () => undefined };
  }
  let { ring: current, mark } = look(path);
  let isDoubted = false;
  const tell = (): void => {
    say(log, path, current);
    onChange(current);
  };
  tell();
  const sight = keepLooking(path, () => {
    const next = look(path);
    const isUnchanged = next.mark === mark;
    if (!isUnchanged && next.ring.kind === 'locked' && current.kind === 'held' && !isDoubted) {
      isDoubted = true;
      return 'again';
    }
    isDoubted = false;
    if (!isUnchanged) {
      ({ ring: current, mark } = next);
      tell();
    }
    return 'done';
  });
  return {
    get current() {
      return current;
    },
    [Symbol.dispose]: () => sight[Symbol.dispose](),
  };
}

/** Looks when the system tells of a change and from time to time, and once more after a while when a look asks for that. */
function keepLooking(path: string, look: () => 'done' | 'again'): Disposable {
  let pending: NodeJS.Timeout | undefined;
  let isSettling = false;
  let watcher: FSWatcher | undefined;
  function lookNow(): void {
    isSettling = look() === 'again';
    if (isSettling) soon(limits.keyRingSettleMs);
  }
  function soon(ms: number): void {
    clearTimeout(pending);
    pending = setTimeout(lookNow, ms);
    pending.unref();
  }
  function follow(): void {
    if (watcher) return;
    watcher = watchRing(path, () => {
      if (!isSettling) soon(limits.keyRingNoticeMs);
    });
    watcher?.on('error', () => {
      watcher?.close();
      watcher = undefined; // taken up again with the next slow look
    });
  }
  follow();
  const timer = setInterval(() => {
    follow();
    if (!isSettling) lookNow();
  }, limits.keyRingLookMs);
  timer.unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      clearTimeout(pending);
      watcher?.close();
    },
  };
}

/** What a heartbeat tells of the ring. */
export function heartbeatOf(
  ring: KeyRing,
): Pick<Heartbeat, 'command_keys' | 'enforcing' | 'command_protocols' | 'orders_locked'> {
  const [legacy, envelope] = commandProtocols;
  // No key, no envelope: nothing could verify it.
  const isAble = ring.kind === 'held' && ring.commandKeys.length > 0;
  return {
    command_keys: ring.kind === 'held' ? [...ring.commandKeys] : [],
    enforcing: ring.kind === 'locked' || (ring.kind === 'held' && ring.enforcing),
    command_protocols: isAble ? [legacy, envelope] : [legacy],
    ...(ring.kind === 'locked' ? { orders_locked: ring.reason } : {}),
  };
}

function say(log: Logger, path: string, ring: KeyRing): void {
  if (ring.kind === 'locked')
    log.error({ path, reason: ring.reason }, 'every order is refused: the key ring cannot be relied upon');
  else if (ring.kind === 'held')
    log.info(
      { path, command_keys: ring.commandKeys, enforcing: ring.enforcing },
      'orders are verified with this key ring',
    );
}

/** Undefined where nothing can be watched: the slow look finds changes, too. */
function watchRing(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    const isDir = statSync(path).isDirectory();
    // The directory: a file that is replaced is another file.
    const watcher = watch(isDir ? path : dirname(path), { persistent: false }, onChange);
    return watcher;
  } catch {
    return undefined;
  }
}

/** Reads a ring that was named. `mark` is the same for rings that say the same. */
export function look(path: string): { readonly ring: KeyRing; readonly mark: string } {
  const ring = read(path);
  if (ring.kind === 'absent' || ring.kind === 'locked') return { ring, mark: JSON.stringify(ring) };
  const keys = [...ring.keys].map(([kid, { policy }]) => [kid, policy]);
  return { ring, mark: JSON.stringify([ring.enforcing, ring.commandKeys, keys]) };
}

function read(path: string): KeyRing {
  try {
    const fault = faultOnWay(path, { isOwn: false });
    if (fault !== undefined) return locked(fault);
    const files = filesOf(path);
    if (files.length > keyringFilesMax)
      return locked(`${path} has ${files.length} files: the limit is ${keyringFilesMax}`);
    const texts: { name: string; text: string }[] = [];
    for (const file of files) {
      const theirs = file === path ? undefined : faultOnWay(file, { isOwn: false });
      if (theirs !== undefined) return locked(theirs);
      texts.push({ name: basename(file), text: readWhole(file) });
    }
    const ring = readKeyring(texts);
    return ring.ok ? held(ring) : locked(ring.reason);
  } catch (error) {
    return locked((error as Error).message);
  }
}

const locked = (reason: string): KeyRing => ({ kind: 'locked', reason });

function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  return names.sort().map((name) => join(path, name));
}

/** Its owner and modes are asked once more of the open file. */
function readWhole(path: string): string {
  const found = lookGuarded(path, { guard: 'public', bytesMax: keyringBytesMax });
  if (!found.ok) throw new Error(`${path}: ${found.why}`);
  return new TextDecoder().decode(found.bytes);
}

function held({ keys, enforcing }: { keys: readonly TrustedKey[]; enforcing: boolean }): KeyRing {
  return {
    kind: 'held',
    enforcing,
    commandKeys: keys.map(({ kid, public_key }) =>
      commandKey(
        kid,
        createHash('sha256')
          .update(publicKeyOf(public_key) ?? '')
          .digest(),
      ),
    ),
    keys: new Map(keys.map((key) => [key.kid, { policy: keyPolicy(key), verify: verifierOf(key) }])),
  };
}

function verifierOf({ public_key }: TrustedKey): (message: Uint8Array, signature: Uint8Array) => boolean {
  const x = Buffer.from(public_key, 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  return (message, signature) => verify(null, message, key, signature);
}
