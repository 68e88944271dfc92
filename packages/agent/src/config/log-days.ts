/**
 * The log of days gone by: beside `agent.log` lie `agent.2026-11-27.log` and, where a day had more than fits into one file,
 * `agent.2026-11-27.1.log` and so on, in the order in which they were written. Days are those of UTC.
 */
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { limits } from '../limits.ts';

const dayMs = 24 * 3_600_000;

/** Days since 1970. */
export const dayOf = (ms: number): number => Math.floor(ms / dayMs);

interface Rolled {
  readonly path: string;
  readonly day: number;
  readonly number: number;
}

/** Files of days gone by, the oldest first. */
function rolledFiles(path: string): Rolled[] {
  const ending = extname(path);
  const stem = `${basename(path, ending)}.`;
  const found = readdirSync(dirname(path)).flatMap((name): Rolled[] => {
    if (!name.startsWith(stem) || !name.endsWith(ending)) return [];
    const [, day = '', number = '0'] =
      /^(\d{4}-\d\d-\d\d)(?:\.(\d{1,6}))?$/.exec(name.slice(stem.length, name.length - ending.length)) ?? [];
    const ms = Date.parse(day);
    return Number.isNaN(ms) ? [] : [{ path: join(dirname(path), name), day: dayOf(ms), number: Number(number) }];
  });
  return found.sort((a, b) => a.day - b.day || a.number - b.number);
}

/** The file that was written last before the one at `path`; undefined when there is none, or nobody knows. */
export function newestRolled(path: string): string | undefined {
  try {
    return rolledFiles(path).at(-1)?.path;
  } catch {
    return undefined;
  }
}

/** Puts the file at `path` with those of its day. Throws what the file system does. */
export function rollAway(path: string, day: number): void {
  const ofDay = rolledFiles(path).filter((file) => file.day === day);
  const number = ofDay.length === 0 ? 0 : (ofDay.at(-1)?.number ?? 0) + 1;
  const ending = extname(path);
  const name = `${basename(path, ending)}.${new Date(day * dayMs).toISOString().slice(0, 10)}`;
  renameSync(path, join(dirname(path), `${name}${number === 0 ? '' : `.${number}`}${ending}`));
}

/** Removes what is older than so many days, today among them, and the oldest beyond the room for all. Throws what the file system does. */
export function dropOld(path: string, keepDays: number, today: number): void {
  let bytes = 0;
  for (const file of rolledFiles(path).reverse()) {
    bytes += statSync(file.path, { throwIfNoEntry: false })?.size ?? 0;
    if (file.day <= today - keepDays || bytes > limits.logDaysBytesMax) rmSync(file.path, { force: true });
  }
}
