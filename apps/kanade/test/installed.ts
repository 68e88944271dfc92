/** An agent as an install has it: an executable of its own, the keys of releases beside it, and who starts it again when it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

interface InstalledOptions {
  readonly dir: string;
  readonly executable: string;
  /** Public keys of release signers. */
  readonly keysFile: string;
  /** Asked at each start. */
  readonly broker: () => string;
  /** How long a new version is on trial, in seconds; asked at each start. */
  readonly trialSecs: () => number;
  /** Hears each line of its log. */
  readonly onLine?: (line: string, child: ChildProcess) => void;
}

export interface Installed extends AsyncDisposable {
  /** The path of the executable. */
  readonly program: string;
  /** Exit codes so far. */
  readonly ends: readonly (number | null)[];
  /** Ends it once; it is started again. */
  end(): void;
  /** All that it has logged. */
  log(): string;
}

/** Installs an agent below `dir` and keeps it running as systemd does with `Restart=always`: at once, whatever it ended with. */
export function installAgent({ dir, executable, keysFile, broker, trialSecs, onLine }: InstalledOptions): Installed {
  for (const name of ['bin', 'share', 'data']) mkdirSync(join(dir, name), { recursive: true });
  const program = join(dir, 'bin', 'kanade');
  copyFileSync(executable, program);
  copyFileSync(keysFile, join(dir, 'share', 'release-keys.json'));
  const lines: string[] = [];
  const ends: (number | null)[] = [];
  const options = ['--id', 'pc-1', '--data-dir', join(dir, 'data'), '--socket', join(dir, 's')];
  let child: ChildProcess;
  let isOver = false;
  const over = Promise.withResolvers<void>();
  const start = (): void => {
    child = spawn(program, ['agent', ...options, '--server', broker(), '--allow-own-user'], {
      env: { ...process.env, KANADE_UPDATE_TRIAL_SECS: String(trialSecs()) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const started = child;
    createInterface({ input: started.stderr as Readable }).on('line', (line) => {
      lines.push(line);
      onLine?.(line, started);
    });
    child.once('close', (code) => {
      ends.push(code);
      if (isOver) over.resolve();
      else start();
    });
  };
  start();
  return {
    program,
    ends,
    end: () => void child.kill('SIGTERM'),
    log: () => lines.join('\n'),
    async [Symbol.asyncDispose]() {
      isOver = true;
      child.kill('SIGTERM');
      await over.promise;
    },
  };
}
