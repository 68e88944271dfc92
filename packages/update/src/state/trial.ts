/** A version that has not proved itself yet. */
import { closeSync, fsyncSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { syncDirectory } from '@kanade/durable/files';
import {
  guardedPath,
  isRecord,
  makeStateDir,
  readStateFile,
  removeState,
  startsPath,
  writeState,
} from './state-dir.ts';

export interface Trial {
  /** The version that was replaced. */
  readonly from: string;
  /** The version on trial, and the hash of its executable. */
  readonly version: string;
  readonly sha256: string;
  /** RFC 3339. */
  readonly at: string;
}

const isTrial = (value: unknown): value is Trial =>
  isRecord(value) && [value.from, value.version, value.sha256].every((field) => typeof field === 'string');

/** Throws UpdateError `state_invalid`. */
export const readTrial = (dir: string): Trial | undefined => readStateFile(dir, 'trial', isTrial);
export const readFailed = (dir: string): Trial | undefined => readStateFile(dir, 'failed', isTrial);

export function beginTrial(dir: string, trial: Trial): void {
  makeStateDir(dir);
  clearCounts(dir);
  removeState(dir, 'failed');
  writeState(dir, 'trial', trial);
}

/** For the old version, which is about to be put back: that it was, and in whose place. */
export function noteFailed(dir: string, { from, version, sha256, at }: Trial): void {
  writeState(dir, 'failed', { from, version, sha256, at });
}

export function endTrial(dir: string): void {
  removeState(dir, 'trial');
  clearCounts(dir);
  syncDirectory(dir);
}

function clearCounts(dir: string): void {
  rmSync(startsPath(dir), { force: true });
  rmSync(guardedPath(dir), { force: true });
}

/** Starts of the version on trial, as it counted them itself. */
export const trialStarts = (dir: string): number => statSync(startsPath(dir), { throwIfNoEntry: false })?.size ?? 0;

/** Counts one more, on disk before it is tried; how many it were with this one. */
export function countStart(dir: string): number {
  const file = openSync(startsPath(dir), 'a', 0o600);
  try {
    writeSync(file, '.');
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return trialStarts(dir);
}

/** As if this start were the first one. */
export function countAnew(dir: string): void {
  if (trialStarts(dir) > 1) truncateSync(startsPath(dir), 1);
  rmSync(guardedPath(dir), { force: true });
}
