import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ReleaseManifest } from '@kanade/shared/release';
import { Failure } from '../../../answer/answer.ts';
import { defineCommand, oneWord } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';
import {
  publishedBeside,
  refusalsOf,
  releaseKeysOption,
  releaseKeysPath,
  toldRefusals,
  trustedManifest,
} from './trusted.ts';

/** Bytes that are read of an executable at a time. */
const pieceBytes = 1024 * 1024;

export const agentPublish = defineCommand({
  name: 'agent publish',
  summary: 'bring a signed release of the agent to the broker, for machines to fetch when a rollout says so',
  usage: 'SIGNED_RELEASE',
  options: releaseKeysOption,
  notes: [
    'SIGNED_RELEASE is the file that its release signer has signed. The executables that it names lie beside it; those of platforms that are not there are left out.',
    'What every machine would refuse is refused here: no signature of a trusted key, an expired release, one below its own floor, other bytes than the signed ones. What only machines would refuse that have accepted another published release is said (refused_by).',
    'A release that is over is published again with a new signature over the same executables. Other executables need another version.',
  ],
  examples: ['kanade fleet agent publish dist/release/1.4.0/release.json'],
  async run(options, words, context) {
    const path = resolve(context.cwd, oneWord(words, 'SIGNED_RELEASE'));
    const { io } = context;
    const library = await import('./library.ts');
    const signed = await readSmall(path, library.signedReleaseBytesMax);
    const keysPath = releaseKeysPath(context, options['release-keys']);
    const judged = { keysPath, nowMs: Date.now() };
    const { version, files } = trustedManifest(library, signed, judged);
    const { there, absent } = await filesBeside(dirname(path), files);
    if (there.length === 0) {
      const named = absent.join(', ') || 'no executable at all';
      throw new Failure('file_unreadable', `none of its executables lies beside ${path}; it names ${named}`);
    }
    return withFleet(context, async ({ fleet, publishRelease, listReleases, readRelease, audit }) => {
      const { signal } = io;
      trustedManifest(library, signed, { ...judged, server: fleet.serverVersion });
      const beside = publishedBeside(version, { fleet, listReleases, readRelease, signal });
      const refusals = await refusalsOf(library, signed, { ...judged, published: beside });
      const published = await publishRelease(fleet, { version, manifest: signed, files: there, signal });
      const noted = await audit({ action: 'agent.publish', about: version, details: { ...published } });
      if (absent.length > 0) io.stderr(`not here, and not published: ${absent.join(', ')}\n`);
      return { type: 'fleet.agent.publish', version, ...published, absent, ...toldRefusals(refusals, io), ...noted };
    });
  },
});

async function readSmall(path: string, bytesMax: number): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size <= bytesMax) return await readFile(path);
    throw new Error(`it has ${size} bytes, at most ${bytesMax}`);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('file_unreadable', `reading the signed release failed: ${said}`, { details: { path }, cause });
  }
}

/** The executables of a release that lie in a directory, and the platforms of those that do not. */
async function filesBeside(dir: string, files: ReleaseManifest['files']) {
  const executables = files.flatMap((file) =>
    file.kind === 'executable' && file.platform !== undefined ? [{ ...file, platform: file.platform }] : [],
  );
  const looked = await Promise.all(
    executables.map(async ({ name, platform, bytes, sha256 }) => {
      const path = join(dir, name);
      const size = await stat(path).then(
        (found) => found.size,
        () => undefined,
      );
      if (size !== undefined && size !== bytes)
        throw new Failure('release_mismatch', `${path} has ${size} bytes, the signed release says ${bytes}`);
      const open = () => createReadStream(path, { highWaterMark: pieceBytes }) as AsyncIterable<Uint8Array>;
      return { isThere: size !== undefined, file: { platform, sha256, size: bytes, open } };
    }),
  );
  return {
    there: looked.filter(({ isThere }) => isThere).map(({ file }) => file),
    absent: looked.filter(({ isThere }) => !isThere).map(({ file }) => file.platform),
  };
}
