/** Runs a program for the first time, where nothing depends on it yet. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { UpdateError } from '../fault/update-error.ts';

/** How long it may take to say its version, in ms. */
const answerMsMax = 15_000;
const answerBytesMax = 64 * 1024;
/** A child that somebody else is just starting may hold our file open for writing until it is another program: tries, and ms between them. */
const busyTries = { max: 20, everyMs: 50 } as const;

/**
 * Runs `path --version`, whose first line must hold the version as a word. So what cannot run here at all (another architecture, a
 * library that is missing, a crash at its start) never comes in the place of what can. Throws UpdateError `program_unfit`.
 */
export async function tryProgram(path: string, version: string, signal?: AbortSignal): Promise<void> {
  const unfit = (why: string, cause?: unknown) =>
    new UpdateError(
      'program_unfit',
      `version ${version} is not installed, because it does not run on this machine: ${why}`,
      { cause },
    );
  let printed: string;
  try {
    printed = await firstWords(path, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const { code, signal: ending, killed } = error as { code?: string | number; signal?: string; killed?: boolean };
    if (killed) throw unfit(`it did not tell its version within ${answerMsMax / 1_000} s`, error);
    throw unfit(
      ending ? `it ended by ${ending}` : typeof code === 'number' ? `it ended with ${code}` : `${code ?? error}`,
      error,
    );
  }
  const [line = ''] = printed.split('\n');
  if (!line.split(/\s+/).includes(version)) throw unfit(`it says that it is ${JSON.stringify(line.slice(0, 200))}`);
}

async function firstWords(path: string, signal: AbortSignal | undefined): Promise<string> {
  const options = {
    timeout: answerMsMax,
    killSignal: 'SIGKILL',
    maxBuffer: answerBytesMax,
    signal,
    env: {},
    cwd: '/',
  } as const;
  for (let tries = 1; ; tries++) {
    try {
      return (await promisify(execFile)(path, ['--version'], options)).stdout;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ETXTBSY' || tries === busyTries.max) throw error;
      await sleep(busyTries.everyMs, undefined, { signal });
    }
  }
}
