import { join, resolve } from 'node:path';
import { UsageError } from '../call/arguments.ts';

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
