/** Releases of the agent in the object store: executables, and the signed manifest that makes them one release. */
import { createHash } from 'node:crypto';
import { objectStores, objectStoresOnDemand, objectStream, releaseKey, releaseManifestKey } from '@kanade/shared/fleet';
import { releaseFileBytesMax } from '@kanade/shared/release';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { isMissingStream, translate } from '../fault/translate.ts';
import { objectInfo } from '../objects/object-info.ts';
import { putObject } from '../objects/put-object.ts';
import { releaseStore } from '../topology/definitions.ts';
import { checkVersion } from './read-release.ts';

/** An executable of a release. */
export interface PublishedFile {
  /** As its manifest calls it, such as `linux-x86_64`. */
  readonly platform: string;
  /** SHA-256 in hex, as its manifest says it. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  /** Begins to read it. */
  open(): AsyncIterable<Uint8Array>;
}

export interface ReleaseToPublish {
  readonly version: string;
  /** The signed manifest as it is. */
  readonly manifest: Uint8Array;
  readonly files: readonly PublishedFile[];
  readonly signal?: AbortSignal | undefined;
}

export interface Published {
  /** Platforms whose executable was stored now, and those whose executable stood there. */
  readonly stored: readonly string[];
  readonly already: readonly string[];
  /** What stood in the place of the manifest; `another`: it was signed anew for the same executables. */
  readonly before: 'nothing' | 'the same' | 'another';
}

const store = objectStoresOnDemand.agentReleases;

/**
 * Stores a release, its manifest last, so that machines meet none of it or all of it; the first one makes the store. Whether machines
 * will take it is the caller's to know. Throws FleetError `release_exists` when another executable stands under that version,
 * `object_changed` when a file is not what its manifest says, `too_large`, `invalid_id`, `not_enough_storage`.
 */
export async function publishRelease(fleet: Fleet, options: ReleaseToPublish): Promise<Published> {
  const { version, files, signal } = options;
  const { connection } = fleet;
  for (const { platform, size } of files) {
    checkVersion(version, platform);
    if (size > releaseFileBytesMax)
      throw new FleetError('too_large', `${platform} has ${size} bytes, at most ${releaseFileBytesMax}`);
  }
  try {
    await openStore(connection, signal);
    const known = await Promise.all(files.map((file) => standing(connection, options, file)));
    const missing = files.filter((_, index) => !known[index]);
    for (const { platform, sha256, open } of missing) {
      const place = { store, name: releaseKey(version, platform), signal };
      await putObject(connection, { ...place, source: open(), sha256, bytesMax: releaseFileBytesMax });
    }
    const platforms = missing.map(({ platform }) => platform);
    return {
      stored: platforms,
      already: files.map(({ platform }) => platform).filter((platform) => !platforms.includes(platform)),
      before: await putManifest(connection, options),
    };
  } catch (error) {
    throw translate(error, `publishing release ${version}`, signal);
  }
}

/** Whether the executable stands there. Throws FleetError `release_exists` for another. */
async function standing(
  connection: NatsConnection,
  { version, signal }: ReleaseToPublish,
  { platform, sha256 }: PublishedFile,
): Promise<boolean> {
  const look = await objectInfo(connection, { store, name: releaseKey(version, platform), signal });
  if (!look.ok || look.object.sha256 === sha256) return look.ok;
  const message = `another executable of ${version} is stored for ${platform}: give yours another version`;
  throw new FleetError('release_exists', message);
}

async function putManifest(
  connection: NatsConnection,
  { version, manifest, signal }: ReleaseToPublish,
): Promise<Published['before']> {
  const place = { store, name: releaseManifestKey(version), signal };
  const sha256 = createHash('sha256').update(manifest).digest('hex');
  const look = await objectInfo(connection, place);
  if (look.ok && look.object.sha256 === sha256) return 'the same';
  const replaces = look.ok ? look.object.revision : look.revision;
  await putObject(connection, { ...place, source: manifest, sha256, replaces });
  return look.ok ? 'another' : 'nothing';
}

/** Makes the store where there is none, with as many copies as the one of scripts has. */
async function openStore(connection: NatsConnection, signal: AbortSignal | undefined): Promise<void> {
  const manager = await jetstreamManager(connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  try {
    await abortable(manager.streams.info(releaseStore.name), signal);
  } catch (error) {
    if (!isMissingStream(error)) throw error;
    const { config } = await abortable(manager.streams.info(objectStream(objectStores.scripts)), signal);
    await abortable(manager.streams.add({ ...releaseStore, num_replicas: config.num_replicas }), signal);
  }
}
