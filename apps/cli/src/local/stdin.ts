/**
 * The input of a job. `--stdin -` reads the caller's input to its end. Without an option, input that is there by itself
 * (a file or a pipe) is taken too, by this rule: a terminal or a device is never read; a file is read whole; a pipe is
 * read to its end, but if it has sent nothing within a short time, and nobody but our callers can write into it, it belongs to
 * somebody who never closes it: the job starts without input, and the answer says so. A writer beside us, as a shell pipeline has
 * one, is waited for longer.
 */
import { fstatSync, readFileSync } from 'node:fs';
import { JobError } from '@kanade/runner';

/** How long a silent pipe is waited for, in ms: the writer of a shell pipeline starts together with us. */
export const silentPipeMs = 1_000;

/** The same for a socket, in ms: process libraries hand one down by default and leave it open. */
export const silentSocketMs = 300;

/** How long a silent pipe is waited for while a process that is none of our callers can write into it, in ms. */
export const silentWriterMs = 60_000;

/** How often it is looked whether there is such a process, in ms. */
const writerLookMs = 500;

/** The input of a job. */
export interface JobInput {
  /** Undefined for none. */
  readonly bytes: Uint8Array | undefined;
  /** Why what was there was not taken. */
  readonly notTaken?: string;
}

export interface StdinOptions {
  /** Take input that is there by itself. */
  readonly implicit: boolean;
  readonly text?: string;
  readonly file?: string;
  readonly bytesMax: number;
}

/** The bytes to store as the job's input. */
export async function readJobInput({ implicit, text, file, bytesMax }: StdinOptions): Promise<JobInput> {
  if (file !== undefined) return { bytes: limited(readInputFile(file), bytesMax) };
  if (text !== undefined && text !== '-') return { bytes: limited(Buffer.from(text), bytesMax) };
  if (text === '-') {
    if (process.getBuiltinModule('node:tty').isatty(0))
      throw new JobError(
        'stdin_required',
        '--stdin - needs input: stdin is a terminal; pipe something in or use --stdin-file',
      );
    return { bytes: (await readToEnd(bytesMax, undefined)) ?? new Uint8Array() };
  }
  const kind = implicit ? inheritedKind() : 'none';
  if (kind === 'none') return { bytes: undefined };
  if (kind === 'file') return { bytes: nonEmpty(limited(readFileSync(0), bytesMax)) };
  const bytes = await readToEnd(bytesMax, kind === 'socket' ? silentSocketMs : silentPipeMs);
  if (bytes !== undefined) return { bytes: nonEmpty(bytes) };
  return { bytes, notTaken: `not taken: the ${kind} stayed silent and open; --stdin - waits for its end` };
}

function inheritedKind(): 'none' | 'file' | 'pipe' | 'socket' {
  try {
    const stat = fstatSync(0);
    return stat.isFile() ? 'file' : stat.isFIFO() ? 'pipe' : stat.isSocket() ? 'socket' : 'none';
  } catch {
    return 'none'; // stdin is closed
  }
}

/**
 * Reads stdin to its end; undefined when it stayed silent for `silentMs`. As a stream, not with `fs.read`: a read that
 * blocks a thread for ever would keep the process from exiting.
 */
function readToEnd(bytesMax: number, silentMs: number | undefined): Promise<Uint8Array | undefined> {
  const { stdin } = process;
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let total = 0;
    const done = (settle: () => void): void => {
      clearTimeout(timer);
      stdin.pause();
      settle();
    };
    const startedMs = performance.now();
    const onSilence = (): void => {
      // Loaded on demand: most calls have no input, or have it at once.
      void import('./reader.ts').then(({ hasWriterBesideUs }) => {
        if (chunks.length > 0) return;
        if (performance.now() - startedMs < silentWriterMs && hasWriterBesideUs(0))
          timer = setTimeout(onSilence, writerLookMs);
        else done(() => resolve(undefined));
      });
    };
    let timer = silentMs === undefined ? undefined : setTimeout(onSilence, silentMs);
    stdin.on('data', (chunk: Uint8Array) => {
      clearTimeout(timer);
      total += chunk.length;
      if (total > bytesMax) done(() => reject(tooLarge(`more than ${bytesMax}`, bytesMax)));
      else chunks.push(chunk);
    });
    stdin.once('end', () => done(() => resolve(Buffer.concat(chunks))));
    stdin.once('error', (error) => done(() => reject(error)));
  });
}

function readInputFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new JobError('internal_error', `could not read --stdin-file ${path}: ${(cause as Error).message}`, { cause });
  }
}

const nonEmpty = (bytes: Uint8Array | undefined): Uint8Array | undefined => (bytes?.length ? bytes : undefined);

function limited(bytes: Uint8Array, bytesMax: number): Uint8Array {
  if (bytes.length > bytesMax) throw tooLarge(String(bytes.length), bytesMax);
  return bytes;
}

const tooLarge = (size: string, bytesMax: number): JobError =>
  new JobError('stdin_too_large', `input is ${size} bytes: the limit is ${bytesMax}; raise it with --stdin-max-bytes`);
