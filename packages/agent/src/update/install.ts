/** One attempt to become another version: its signed release, its executable, the exchange. Loaded when a version is due. */
import { dirname, join } from 'node:path';
import { releaseKey, releaseManifestKey } from '@kanade/shared/fleet-words';
import { signedReleaseBytesMax } from '@kanade/shared/release';
import { openUpdates, UpdateError, type UpdateErrorCode } from '@kanade/update';
import { agentVersion } from '../config/version.ts';
import type { ScriptFault } from '../script/script-fault.ts';
import { type Boot, updateDir } from './boot.ts';
import type { Attempt, InstallProgress, InstallVersion } from './updater.ts';

/** The broker's object store of releases. */
export interface ReleaseReads {
  /** Version of the server that we are connected to now. */
  readonly brokerVersion: string | undefined;
  /**
   * Hands the bytes of an object to `take`. Rejects with what `take` throws of its own, and with the signal's reason.
   */
  read<T>(
    name: string,
    given: {
      readonly take: (bytes: AsyncIterable<Uint8Array>, size: number) => Promise<T>;
      readonly signal: AbortSignal;
    },
  ): Promise<{ readonly kind: 'taken'; readonly value: T } | ScriptFault>;
}

export interface InstallerOptions {
  readonly boot: Pick<Boot, 'program'>;
  readonly dataDir: string;
  readonly source: ReleaseReads;
}

/** The public keys that came with the install: `bin/kanade` and `share/release-keys.json` lie beside each other. */
const keysBeside = (program: string): string => join(dirname(dirname(program)), 'share', 'release-keys.json');

export function createInstall({ boot: { program }, dataDir, source }: InstallerOptions): InstallVersion {
  return async (version, { onProgress, signal }) => {
    const updates = openUpdates({
      ...{ dir: updateDir(dataDir), program, version: agentVersion(), keysFile: keysBeside(program) },
      onEvent: ({ type }) => {
        if (type === 'staged') onProgress({ state: 'installing' });
      },
    });
    try {
      const signed = await source.read(releaseManifestKey(version), { take: wholeOf, signal });
      if (signed.kind === 'fault') return missed(signed, `release ${version}`);
      const release = updates.accept(signed.value, { version, ...brokerOf(source) });
      const name = releaseKey(version, release.file.platform ?? '');
      const installed = await source.read(name, {
        take: (bytes) => updates.install(release, { bytes: counted(bytes, release.file.bytes, onProgress), signal }),
        signal,
      });
      return installed.kind === 'fault' ? missed(installed, name) : { kind: 'installed' };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof UpdateError) return refusedOrFailed(error);
      throw error;
    }
  };
}

const brokerOf = ({ brokerVersion }: ReleaseReads) => (brokerVersion === undefined ? {} : { brokerVersion });

/** A signed release whole; what is larger than one may be is not held. */
async function wholeOf(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let held = 0;
  for await (const part of bytes) {
    held += part.byteLength;
    parts.push(part);
    if (held > signedReleaseBytesMax) break;
  }
  return Buffer.concat(parts);
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  total_bytes: number,
  onProgress: (progress: InstallProgress) => void,
): AsyncGenerator<Uint8Array> {
  let fetched_bytes = 0;
  for await (const part of bytes) {
    yield part;
    fetched_bytes += part.byteLength;
    onProgress({ state: 'fetching', fetched_bytes, total_bytes });
  }
}

const faultWords: Readonly<Partial<Record<ScriptFault['reason'], string>>> = {
  missing: 'is not published',
  no_store: 'is not published: the broker has no releases',
  forbidden: 'may not be read by this machine: the users of the broker were printed before there were releases',
  damaged: 'is damaged in the object store',
};

function missed({ reason, detail }: ScriptFault, what: string): Attempt {
  if (reason === 'away') return { kind: 'away' };
  const said = `${what} ${faultWords[reason] ?? 'could not be read'}${detail === undefined ? '' : `: ${detail}`}`;
  return { kind: 'failed', code: `release_${reason}`, reason: said };
}

/** What no second look at the same release makes better: the release or the machine's keys have to be other ones. */
const refusals: readonly UpdateErrorCode[] = [
  'release_invalid',
  'release_unsigned',
  'release_revoked',
  'release_expired',
  'release_replayed',
  'release_below_floor',
  'release_other_version',
  'release_other_platform',
  'bytes_too_many',
  'bytes_too_few',
  'bytes_wrong',
  'program_unfit',
  'quarantined',
];

const refusedOrFailed = ({ code, message }: UpdateError): Attempt => ({
  kind: refusals.includes(code) ? 'refused' : 'failed',
  code,
  reason: message,
});
