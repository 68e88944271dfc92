import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseHumantime } from '@kanade/shared/fleet-words';
import { Failure } from '../../answer/answer.ts';
import { defineCommand, oneWord, UsageError } from '../../call/command.ts';
import { releaseKeysDir } from './places.ts';
import { ownReleaseKeys } from './show.ts';

const lifeDefault = '90d';

export const releaseKeySign = defineCommand({
  name: 'sign',
  summary: 'sign a release anew: to let it live longer, to go back to it, to raise the floor, to revoke a key',
  usage: 'SIGNED_RELEASE',
  options: {
    key: { kind: 'text', value: 'KEY', help: 'sign with this key (default: your only one)' },
    for: { kind: 'text', value: 'DURATION', help: `how long it may be installed (default: ${lifeDefault})` },
    floor: { kind: 'text', value: 'VERSION', help: 'who has seen this installs nothing below' },
    revoke: { kind: 'texts', value: 'KEY', help: 'who has seen this believes that key no more' },
    'release-keys': {
      kind: 'text',
      value: 'FILE',
      help: 'it may be signed by these keys, too (default: by yours only)',
    },
    to: { kind: 'text', value: 'FILE', help: 'write it there (default: in its place)' },
  },
  notes: [
    'The files of the release stay the same. Machines take no older word than the newest they know, so going back to a version is signed anew, too:',
    'sign its release, publish it, roll it out.',
  ],
  examples: [
    'kanade release-key sign kanade-1.3.0/release.json',
    'kanade release-key sign kanade-1.4.0/release.json --key spare-2026 --revoke release-2026 --floor 1.4.0',
  ],
  async run(options, words, context) {
    const path = resolve(context.cwd, oneWord(words, 'SIGNED_RELEASE'));
    const lifeMs = parseHumantime(options.for ?? lifeDefault);
    if (lifeMs === undefined || lifeMs === 0) throw new UsageError('option --for must be a duration such as 90d');
    const own = await ownReleaseKeys(releaseKeysDir(context));
    const key = chosenOf(own, options.key);
    const { loadReleaseKeys, signedReleaseBytesMax, signRelease, verifyRelease, writePublic } = await import(
      './library.ts'
    );
    const given = options['release-keys'];
    const others = given === undefined ? [] : loadReleaseKeys(resolve(context.cwd, given));
    const { manifest } = verifyRelease(readSmall(path, signedReleaseBytesMax), {
      keys: [...own.map(({ trusted }) => trusted), ...others],
    });
    // Never before what it was signed for: machines would not believe it.
    const atMs = Math.max(Date.now(), Date.parse(manifest.released_at) + 1_000);
    const revoked_keys = [...new Set([...manifest.revoked_keys, ...options.revoke])];
    const next = {
      ...manifest,
      released_at: new Date(atMs).toISOString(),
      expires_at: new Date(atMs + lifeMs).toISOString(),
      version_floor: options.floor ?? manifest.version_floor,
      revoked_keys,
    };
    const to = options.to === undefined ? path : resolve(context.cwd, options.to);
    writePublic(to, signRelease(next, [key]));
    const { version, released_at, expires_at, version_floor } = next;
    return {
      type: 'release-key.sign',
      file: to,
      keyid: key.keyid,
      version,
      released_at,
      expires_at,
      version_floor,
      revoked_keys,
    };
  },
});

function chosenOf<K extends { readonly keyid: string }>(own: readonly K[], named: string | undefined): K {
  const names = own.map(({ keyid }) => keyid).join(', ');
  const key = named === undefined ? own[0] : own.find(({ keyid }) => keyid === named);
  if (!key)
    throw new Failure(
      'keys_missing',
      `there is no release key${named === undefined ? '' : ` ${named}`}: you have ${names || 'none'}`,
    );
  if (named === undefined && own.length > 1)
    throw new UsageError(`several keys could sign: ${names}; say which one with --key`);
  return key;
}

function readSmall(path: string, bytesMax: number): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size <= bytesMax) return readFileSync(path);
    throw new Error(`it has ${size} bytes, at most ${bytesMax}`);
  } catch (cause) {
    throw new Failure('file_unreadable', `reading the signed release failed: ${(cause as Error).message}`, { cause });
  }
}
