/** Versions that were put back. */
import { isRecord, readStateFile, writeState } from './state-dir.ts';

export interface QuarantinedVersion {
  readonly version: string;
  /** Of its executable: another one of the same version is another one. */
  readonly sha256: string;
  /**
   * `unhealthy`: it started too often without becoming healthy. `unstartable`: it did not come as far as counting. `unreachable`: it
   * ran, and did not reach what it is for.
   */
  readonly reason: 'unhealthy' | 'unstartable' | 'unreachable';
  /** RFC 3339. */
  readonly at: string;
}

/** The oldest are forgotten beyond this. */
const quarantinedMax = 32;

const isQuarantine = (value: unknown): value is { readonly versions: readonly QuarantinedVersion[] } =>
  isRecord(value) &&
  Array.isArray(value.versions) &&
  value.versions.every(
    (entry) => isRecord(entry) && typeof entry.version === 'string' && typeof entry.sha256 === 'string',
  );

/** Throws UpdateError `state_invalid`. */
export const readQuarantine = (dir: string): readonly QuarantinedVersion[] =>
  readStateFile(dir, 'quarantine', isQuarantine)?.versions ?? [];

export function putInQuarantine(dir: string, entry: QuarantinedVersion): void {
  const others = readQuarantine(dir).filter(({ sha256 }) => sha256 !== entry.sha256);
  writeState(dir, 'quarantine', { versions: [...others, entry].slice(-quarantinedMax) });
}

export function liftQuarantine(dir: string, sha256: string): void {
  const kept = readQuarantine(dir).filter((entry) => entry.sha256 !== sha256);
  writeState(dir, 'quarantine', { versions: kept });
}
