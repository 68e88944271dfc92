/**
 * Where a reader of a job stands, as a short text that outlives it: `k1.<job>.<life>.<stdout>.<stderr>.<changes>`. Version; last
 * characters of the job's id; when the run began that was read, in ms since 1970 (0: not known yet); bytes of each raw log that were
 * given out, and state changes that were told. Numbers in base 36. Callers hand it back as it is. Pure.
 */
import { JobError } from '../job-error.ts';
import type { JobDir } from '../record/layout.ts';

/** How far a reader has come. */
export interface Position {
  /** Which run of the job it read: when that began, in ms since 1970; 0 while that is not known. */
  readonly life: number;
  readonly stdout: number;
  readonly stderr: number;
  /** State changes that it was told, see {@link JobChange}. */
  readonly changes: number;
}

export const beginning: Position = { life: 0, stdout: 0, stderr: 0, changes: 0 };

const version = 'k1';

/** Characters of a job id in its cursors: enough to notice the cursor of another job. */
const idLength = 8;

/** Longest text that is looked at, in characters. */
const lengthMax = 80;

/** A whole number in base 36 as we write it: no sign, no leading zero. */
const digits = '(0|[1-9a-z][0-9a-z]{0,10})';
const form = new RegExp(`^${version}\\.([A-Za-z0-9_-]{1,${idLength}})\\.${digits}\\.${digits}\\.${digits}\\.([0-2])$`);

const tagOf = (job: JobDir): string => job.id.slice(-idLength);

export const formatCursor = (job: JobDir, { life, stdout, stderr, changes }: Position): string =>
  [version, tagOf(job), ...[life, stdout, stderr, changes].map((value) => value.toString(36))].join('.');

/** Throws `invalid_cursor` for what no answer about this job can have given. */
export function parseCursor(job: JobDir, text: string): Position {
  const parts = text.length <= lengthMax ? form.exec(text) : null;
  if (!parts)
    throw refused(
      text.startsWith('k') && /^k\d+\./.test(text) ? 'is of another version or damaged' : 'is none of a job',
    );
  const [, tag, ...numbers] = parts;
  if (tag !== tagOf(job)) throw refused(`is of another job, not of ${job.id}`);
  const [life = 0, stdout = 0, stderr = 0, changes = 0] = numbers.map((value) => Number.parseInt(value, 36));
  if (![life, stdout, stderr].every(Number.isSafeInteger)) throw refused('is damaged');
  return { life, stdout, stderr, changes };
}

/** The text itself is not repeated: it may be anything. */
const refused = (what: string): JobError =>
  new JobError(
    'invalid_cursor',
    `the cursor ${what}: give the one of the last answer as it is, or none to read from the beginning`,
  );

/** Bytes at the end of `bytes` that begin a character whose rest is not there: 0 to 3. */
export function cutCharacterBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) !== 0x80) return characterBytes(byte) > back ? back : 0;
  }
  return 0;
}

/** How many bytes the character has that begins with this byte; 1 for a byte that begins none. */
function characterBytes(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** Longest character, in bytes: a reader takes no less in one go. */
export const characterBytesMax = 4;
