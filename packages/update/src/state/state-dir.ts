/*
 * What is remembered between one program and the next: plain files in one directory (0700), each replaced as a whole, because they
 * must work when nothing else does. `boot-guard.sh` knows the names of four of them.
 *
 *   accepted.json     the newest word of those who sign: floor, time, revoked keys
 *   trial.json        a version has been, or is about to be, put in the place of another and has not proved itself yet
 *   starts            one byte for each start of that version, written by itself
 *   guarded           the same, written by the guard before it starts
 *   failed.json       a trial that ended with the old version back in its place, until that one has told of it
 *   quarantine.json   versions that were put back
 *   lock              held while something is exchanged
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@kanade/durable/files';
import { UpdateError } from '../fault/update-error.ts';

export type StateName = 'accepted' | 'trial' | 'failed' | 'quarantine';

export const pathIn = (dir: string, name: StateName): string => join(dir, `${name}.json`);
export const startsPath = (dir: string): string => join(dir, 'starts');
export const guardedPath = (dir: string): string => join(dir, 'guarded');
export const lockPath = (dir: string): string => join(dir, 'lock');

/** The names in the directory; none where it is not there. */
export function stateNames(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export const makeStateDir = (dir: string): void => void mkdirSync(dir, { recursive: true, mode: 0o700 });

/** What a file of the directory says; undefined where it is not there. Throws UpdateError `state_invalid` for damage. */
export function readStateFile<T>(dir: string, name: StateName, isSound: (value: unknown) => value is T): T | undefined {
  const path = pathIn(dir, name);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw damaged(path, error);
  }
  if (!isSound(value)) throw damaged(path);
  return value;
}

const damaged = (path: string, cause?: unknown): UpdateError =>
  new UpdateError('state_invalid', `${path} is damaged: nothing is updated; remove it when you know why`, { cause });

export function writeState(dir: string, name: StateName, value: object): void {
  makeStateDir(dir);
  replaceFile(pathIn(dir, name), `${JSON.stringify(value, null, 2)}\n`, { durable: true });
}

export const removeState = (dir: string, name: StateName): void => rmSync(pathIn(dir, name), { force: true });

/** The program and what stands beside it while it is exchanged; `pointer`, a link, leads the guard to the directory of the trial. */
export interface Places {
  readonly program: string;
  readonly next: string;
  readonly old: string;
  readonly pointer: string;
}

/** A link to the program is another name, not another program. */
export function placesOf(program: string): Places {
  const path = realpathSync(program);
  return { program: path, next: `${path}.new`, old: `${path}.old`, pointer: `${path}.trial` };
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
