/** Whether machines will take a signed release: asked of the same library, with the keys of this operator. */
import { resolve } from 'node:path';
import type { ReleaseManifest } from '@kanade/shared/release';
import { Failure } from '../../../answer/answer.ts';
import type { Context, OptionTable } from '../../../call/command.ts';
import { installedReleaseKeys } from '../../../local/installed.ts';

type Library = typeof import('./library.ts');
type FleetLibrary = typeof import('../library.ts');

export const releaseKeysOption = {
  'release-keys': {
    kind: 'text',
    value: 'FILE',
    help: 'public keys of who signs releases (default: release-keys.json that came with this installation)',
  },
} as const satisfies OptionTable;

/** The keys that were named, else those that came with this program. */
export const releaseKeysPath = ({ cwd }: Context, given: string | undefined): string =>
  given === undefined ? installedReleaseKeys() : resolve(cwd, given);

/**
 * The manifest of a signed release that machines with these keys take now. Throws UpdateError, and Failure `release_mismatch`,
 * `broker_too_old`.
 */
export function trustedManifest(
  { isAtLeastVersion, judgeTime, loadReleaseKeys, verifyRelease }: Library,
  signed: Uint8Array,
  { keysPath, nowMs, version, server }: Judging,
): ReleaseManifest {
  const { manifest } = verifyRelease(signed, { keys: loadReleaseKeys(keysPath) });
  if (version !== undefined && manifest.version !== version) {
    const message = `what is published as ${version} is signed as ${manifest.version}: machines refuse it`;
    throw new Failure('release_mismatch', message, { details: { version } });
  }
  judgeTime(manifest, undefined, nowMs);
  const { broker_min: floor } = manifest;
  if (floor !== undefined && server !== undefined && !isAtLeastVersion(server, floor)) {
    const message = `release ${manifest.version} needs nats-server ${floor}, and this broker is ${server}: machines refuse it; update the broker first`;
    throw new Failure('broker_too_old', message, { details: { version: manifest.version } });
  }
  return manifest;
}

interface Judging {
  readonly keysPath: string;
  readonly nowMs: number;
  /** The version that it must be. */
  readonly version?: string;
  /** Version of the broker that machines have. Default: not compared. */
  readonly server?: string;
}

/** A published release whose word stands against another one. */
interface Refusal {
  /** Machines that have accepted this one refuse the other. */
  readonly after: string;
  readonly code: string;
  readonly reason: string;
}

/**
 * What machines say of a release that have accepted another one of those that are published: it is older than their newest, below their
 * floor, or signed by a key that was taken back. Which machines these are nobody knows here.
 */
export async function refusalsOf(
  { judgeTime, loadReleaseKeys, verifyRelease }: Library,
  signed: Uint8Array,
  { keysPath, nowMs, published }: Pick<Judging, 'keysPath' | 'nowMs'> & { published: AsyncIterable<Uint8Array> },
): Promise<Refusal[]> {
  const keys = loadReleaseKeys(keysPath);
  const refusals: Refusal[] = [];
  for await (const other of published) {
    const known = manifestOr(undefined, () => verifyRelease(other, { keys }).manifest);
    if (!known) continue; // no machine accepts that one
    try {
      judgeTime(verifyRelease(signed, { keys, revokedKeys: known.revoked_keys }).manifest, known, nowMs);
    } catch (error) {
      const { name, code, message } = error as Error & { code: string };
      if (name !== 'UpdateError') throw error;
      refusals.push({ after: known.version, code, reason: message });
    }
  }
  return refusals;
}

function manifestOr<T>(other: T, read: () => ReleaseManifest): ReleaseManifest | T {
  try {
    return read();
  } catch (error) {
    if ((error as Error).name === 'UpdateError') return other;
    throw error;
  }
}

/** The signed manifests that are published beside that of a version, one after the other. */
export async function* publishedBeside(
  version: string,
  { fleet, listReleases, readRelease, signal }: Reading,
): AsyncGenerator<Uint8Array> {
  for (const other of await listReleases(fleet, { signal })) {
    if (other.version === version) continue;
    const signed = await readRelease(fleet, other.version, { signal }).catch((error: Error) => {
      if (error.name === 'FleetError') return undefined; // gone, or damaged: no machine can read it either
      throw error;
    });
    if (signed) yield signed;
  }
}

type Reading = Pick<FleetLibrary, 'listReleases' | 'readRelease'> & {
  readonly fleet: Parameters<FleetLibrary['readRelease']>[0];
  readonly signal: AbortSignal;
};

/** What is said on the way, and in an answer; nothing where nobody has anything against it. */
export function toldRefusals(refusals: readonly Refusal[], io: Pick<Context['io'], 'stderr'>) {
  for (const { after, code, reason } of refusals)
    io.stderr(`note: machines that have accepted ${after} refuse it (${code}): ${reason}\n`);
  return refusals.length === 0 ? {} : { refused_by: refusals };
}
