/** Writing the built-in skill and its entry in the lock file; loaded on demand. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { JobError } from '@kanade/runner';
import { wholeSecond } from '@kanade/shared/job-words';
import { skillName, skillTextsFor } from './skill-texts.ts';

/** The names that we are installed under. */
const names = ['kanade', 'agent-exec'];

/** The name by which a shell finds the program: the one that it was called by, else the other one, if that is in PATH. */
export function nameInPath(called: string, path: string | undefined): string {
  const dirs = (path ?? '').split(delimiter).filter((dir) => dir !== '');
  const isThere = (name: string): boolean => dirs.some((dir) => existsSync(join(dir, name)));
  return [called, ...names].find(isThere) ?? called;
}

export interface SkillPlace {
  /** The name by which the skill's examples call the program. */
  readonly program: string;
  /** Home or working directory; undefined when there is no home. */
  readonly under: string | undefined;
  readonly dir: '.agents' | '.claude';
}

/** Writes the skill's files, replacing older ones, and notes that in `.skill-lock.json`. */
export function installSkill({ program, under, dir }: SkillPlace) {
  if (!under) throw new JobError('internal_error', 'no home directory is known: set HOME, or leave --global out');
  const base = join(under, dir);
  const path = join(base, 'skills', skillName);
  for (const [name, text] of Object.entries(skillTextsFor(program))) {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  const lockFile = join(base, '.skill-lock.json');
  const entry = { name: skillName, source_type: 'embedded', installed_at: wholeSecond(Date.now()), path };
  const others = lockedSkills(lockFile).filter(({ name }) => name !== skillName);
  const temporary = `${lockFile}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify({ skills: [...others, entry] }, null, 2)}\n`);
  renameSync(temporary, lockFile);
  return { skills: [{ name: skillName, source_type: 'embedded', path }], lock_file_path: lockFile };
}

type LockEntry = Record<string, unknown>;

/** Entries of a lock file; the older form was a map by name. A file that cannot be read as either is replaced. */
function lockedSkills(path: string): LockEntry[] {
  const { skills } = parsed(path) ?? {};
  if (Array.isArray(skills)) return skills.filter(isEntry);
  if (!isEntry(skills)) return [];
  return Object.entries(skills).map(([name, entry]) => ({ name, ...(isEntry(entry) ? entry : {}) }));
}

const isEntry = (value: unknown): value is LockEntry =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parsed(path: string): LockEntry | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined; // not there, or damaged: the contract says replace
  }
}
