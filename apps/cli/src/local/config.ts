/** The configuration file: where it is, and what it may say. A file that is not there is as good as an empty one. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Eventually } from '../call/eventually.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Config {
  /** Words before a command; undefined = built-in. */
  readonly shell?: readonly string[];
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
  const path = given ?? configPath(env);
  if (path === undefined || !existsSync(path)) return { gc: {} };
  // Loaded on demand: most calls have no configuration file.
  return import('./config-file.ts').then(({ readConfigFile }) => readConfigFile(path));
}

/** The configuration file of the user; undefined where no home is known. */
export function configPath(env: Environment, platform: string = process.platform): string | undefined {
  const home = env.HOME || env.USERPROFILE;
  if (platform === 'win32') return env.APPDATA && join(env.APPDATA, 'agent-exec', 'config.toml');
  const base =
    env.XDG_CONFIG_HOME || (home && join(home, platform === 'darwin' ? 'Library/Application Support' : '.config'));
  return base && join(base, 'agent-exec', 'config.toml');
}
