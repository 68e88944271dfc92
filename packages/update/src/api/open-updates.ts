/** Updates of one program on one machine. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { takeLock } from '@kanade/durable/lock';
import { type ReleaseFile, type ReleaseManifest, releasePlatformOf } from '@kanade/shared/release';
import { UpdateError } from '../fault/update-error.ts';
import { type Accepted, readAccepted, remember } from '../state/accepted.ts';
import { liftQuarantine, type QuarantinedVersion, readQuarantine } from '../state/quarantine.ts';
import { lockPath, makeStateDir, placesOf } from '../state/state-dir.ts';
import { beginTrial, endTrial, readTrial, type Trial, trialStarts } from '../state/trial.ts';
import { clearBeside, keepOld, putNew, putPointer } from '../swap/exchange.ts';
import { stage } from '../swap/stage.ts';
import { tryProgram } from '../swap/try-program.ts';
import { executableFor, judgeTime, type ReleaseWish } from '../trust/judge.ts';
import { loadReleaseKeys } from '../trust/key-files.ts';
import { verifyRelease } from '../trust/verify.ts';

export interface UpdatesOptions {
  /** Where it is remembered what was seen and tried: `<data>/update`, for this user alone. Made when it is needed. */
  readonly dir: string;
  /** The executable that is replaced, or a link to it. */
  readonly program: string;
  /** The version that runs now. */
  readonly version: string;
  /** The public keys that came with the install. */
  readonly keysFile: string;
  /** Default: this machine's. */
  readonly platform?: string;
  /** Default: the wall clock, in ms. */
  readonly now?: () => number;
  /** Each step of an installation, when it is done and on disk. */
  readonly onEvent?: (event: UpdateEvent) => void;
}

/** `staged`: whole, with its hash. `tried`: it has told its version. `noted`: the trial is on disk. `kept`: the old one has its second name. `exchanged`: the next start is the new version. */
export interface UpdateEvent {
  readonly type: 'staged' | 'tried' | 'noted' | 'kept' | 'exchanged';
  readonly version: string;
}

/** A release that this machine has verified and may install. */
export interface AcceptedRelease {
  readonly manifest: ReleaseManifest;
  /** The executable for this machine. */
  readonly file: ReleaseFile;
}

export interface InstallOptions {
  /** The bytes of the executable, from wherever; read once, and left at the first byte too much. */
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Take a version out of quarantine and try it again. Default false. */
  readonly again?: boolean;
}

export interface UpdateStanding {
  readonly accepted?: Accepted;
  readonly quarantined: readonly QuarantinedVersion[];
  /** A version that has not proved itself, and how often it has started. */
  readonly trial?: Trial & { readonly starts: number };
}

export interface Updates {
  /**
   * Verifies a signed release and remembers what it says of floor, time and revoked keys. Throws UpdateError: every `release_…`, `keys_…`,
   * `broker_too_old` and `state_invalid`.
   */
  accept(envelope: string | Uint8Array, wish?: ReleaseWish): AcceptedRelease;
  /**
   * Brings the executable of an accepted release in the place of the program, on trial; the caller ends with `restartExitCode` then.
   * Throws UpdateError: `already_current`, `quarantined`, `on_trial`, `busy`, every `bytes_…`, `no_room`, `not_writable`, `program_unfit`,
   * `unsupported`, `state_invalid`; the program is untouched then.
   */
  install(release: AcceptedRelease, options: InstallOptions): Promise<void>;
  /** What is known. Throws UpdateError `state_invalid`. */
  standing(): UpdateStanding;
}

/** Opens nothing and makes nothing before it is asked to. */
export function openUpdates(options: UpdatesOptions): Updates {
  const { dir, keysFile, now = Date.now } = options;
  const platform = options.platform ?? ownPlatform();
  return {
    accept(envelope, wish = {}) {
      const known = readAccepted(dir);
      const { manifest } = verifyRelease(envelope, {
        keys: loadReleaseKeys(keysFile),
        revokedKeys: known?.revoked_keys ?? [],
      });
      judgeTime(manifest, known, now());
      remember(dir, known, manifest);
      return { manifest, file: executableFor(manifest, platform, wish) };
    },
    install: (release, request) => install(options, release, request),
    standing() {
      const accepted = readAccepted(dir);
      const trial = readTrial(dir);
      return {
        ...(accepted ? { accepted } : {}),
        quarantined: readQuarantine(dir),
        ...(trial ? { trial: { ...trial, starts: trialStarts(dir) } } : {}),
      };
    },
  };
}

async function install(
  options: UpdatesOptions,
  { manifest, file }: AcceptedRelease,
  request: InstallOptions,
): Promise<void> {
  const { dir, program, version: running } = options;
  const { version } = manifest;
  if (process.platform === 'win32')
    throw new UpdateError('unsupported', 'a running program cannot replace itself on Windows yet: install the package');
  if (version === running) throw new UpdateError('already_current', `version ${version} runs already`);
  makeStateDir(dir);
  const lock = takeLock(lockPath(dir));
  if (lock.kind !== 'held') throw new UpdateError('busy', `another update of ${program} is under way`);
  try {
    checkStanding(options, file, request.again ?? false);
    await exchange(options, { manifest, file }, request);
  } finally {
    lock.release();
  }
}

function checkStanding({ dir, version: running }: UpdatesOptions, { sha256 }: ReleaseFile, again: boolean): void {
  const bad = readQuarantine(dir).find((entry) => entry.sha256 === sha256);
  if (bad && !again)
    throw new UpdateError(
      'quarantined',
      `version ${bad.version} was put back at ${bad.at}, because it was ${bad.reason}`,
    );
  if (bad) liftQuarantine(dir, sha256);
  // One that nobody has counted a start of runs without a sentinel: that it is here to be asked is its proof.
  if (readTrial(dir)?.version === running && trialStarts(dir) > 0)
    throw new UpdateError('on_trial', `version ${running} has not proved itself yet: it is replaced when it has`);
}

async function exchange(
  options: UpdatesOptions,
  { manifest, file }: AcceptedRelease,
  request: InstallOptions,
): Promise<void> {
  const { dir, version: from, now = Date.now, onEvent } = options;
  const { version } = manifest;
  const places = placesOf(options.program);
  const tell = (type: UpdateEvent['type']) => onEvent?.({ type, version });
  await stage(places.next, file, request.bytes, request.signal);
  tell('staged');
  try {
    await tryProgram(places.next, version, request.signal);
    tell('tried');
    putPointer(places, dir);
    beginTrial(dir, { from, version, sha256: file.sha256, at: new Date(now()).toISOString() });
    tell('noted');
    keepOld(places);
    tell('kept');
    putNew(places);
  } catch (error) {
    await rm(places.next, { force: true });
    if (readTrial(dir)?.version === version) endTrial(dir);
    clearBeside(places);
    throw error;
  }
  tell('exchanged');
}

function ownPlatform(): string {
  // The loader of musl, and none of glibc beside it.
  const isMusl =
    process.platform === 'linux' &&
    existsSync('/lib/ld-musl-x86_64.so.1') &&
    !existsSync('/lib64/ld-linux-x86-64.so.2');
  return releasePlatformOf(process.platform, process.arch, { isMusl });
}
