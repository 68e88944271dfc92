/** Where local jobs are, and what the user's configuration file says. A file that is not there is as good as an empty one. */
import { existsSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CompressionMode } from '@kanade/shared/job-words';
import { type Eventually, type FormName, UsageError } from '../call/command.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The jobs root: `--root`, `AGENT_EXEC_ROOT`, the user's data directory, in this order; always absolute. Throws {@link UsageError}. */
export function jobsRoot(given: string | undefined, env: Environment, platform: string = process.platform): string {
  if (given === '') throw new UsageError('option --root is empty: give a directory');
  return resolve(given ?? (env.AGENT_EXEC_ROOT || join(dataHome(env, platform), 'agent-exec', 'jobs')));
}

function dataHome(env: Environment, platform: string): string {
  if (env.XDG_DATA_HOME) return env.XDG_DATA_HOME;
  if (platform === 'win32' && env.LOCALAPPDATA) return env.LOCALAPPDATA;
  return join(env.HOME || env.USERPROFILE || '~', '.local', 'share');
}

/** A file of ours beside the jobs root of the user. */
export const dataFile = (name: string, env: Environment): string =>
  join(dataHome(env, process.platform), 'agent-exec', name);

/** Jobs store the canonical directory, because `list` compares it as text. */
export function canonical(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // the launch will say that it does not exist
  }
}

export interface Config {
  /** How a terminal is answered when nobody says otherwise; undefined = as the door does. */
  readonly output?: FormName | undefined;
  /** Words before a command; undefined = built-in. */
  readonly shell?: readonly string[];
  /** How output is shortened in an answer; undefined = as built in. */
  readonly compression?: CompressionMode | undefined;
  /** Limits of the jobs root and of each job's logs; undefined = built-in. */
  readonly limits?: {
    readonly jobs?: number;
    readonly bytes?: number;
    readonly inodes?: number;
    readonly log_bytes?: number;
    readonly log_overflow?: 'trim' | 'stop';
  };
  readonly gc: {
    readonly auto?: boolean;
    readonly older_than?: string;
    readonly max_jobs?: number;
    readonly max_bytes?: number;
    readonly scan_limit?: number;
    readonly delete_limit?: number;
  };
}

/** Reads the file that was named, else the user's. Throws `config_error` when it exists and cannot be understood. */
export function readConfig(env: Environment, given: string | undefined): Eventually<Config> {
  const path = configFile(env, given);
  if (path === undefined) return { gc: {} };
  // Loaded on demand: most calls have no configuration file.
  return import('./config-file.ts').then(({ readConfigFile }) => readConfigFile(path));
}

/** The file that was named, else the user's, if it is there. */
function configFile(env: Environment, given: string | undefined): string | undefined {
  const path = given ?? configPath(env);
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** The configuration file of the user; undefined where no home is known. */
export function configPath(env: Environment, platform: string = process.platform): string | undefined {
  const home = env.HOME || env.USERPROFILE;
  if (platform === 'win32') return env.APPDATA && join(env.APPDATA, 'agent-exec', 'config.toml');
  const base =
    env.XDG_CONFIG_HOME || (home && join(home, platform === 'darwin' ? 'Library/Application Support' : '.config'));
  return base && join(base, 'agent-exec', 'config.toml');
}

/** The form that the file prefers on a terminal. A file that is wrong has no say: commands that need it say what is wrong. */
export function preferredForm(env: Environment, given: string | undefined): Eventually<FormName | undefined> {
  const path = configFile(env, given);
  if (path === undefined) return undefined;
  return import('./config-file.ts').then(({ readConfigFile }) => readConfigFile(path).output).catch(() => undefined);
}
