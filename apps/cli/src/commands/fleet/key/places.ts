/** Where keys and the ring of an operator are. */
import { dirname, join, resolve } from 'node:path';
import { type Context, type OptionTable, UsageError } from '../../../call/command.ts';
import { configPath } from '../../../local/settings.ts';

type Caller = Pick<Context, 'io' | 'cwd'>;

/** `KANADE_KEYS_DIR`, else `kanade/keys` where the user's configuration is; undefined where no home is known. */
export function knownKeysDir({ io, cwd }: Caller): string | undefined {
  if (io.env.KANADE_KEYS_DIR) return resolve(cwd, io.env.KANADE_KEYS_DIR);
  const home = homeIn(io.env);
  return home && join(home, 'keys');
}

/** The same for who cannot do without. Throws {@link UsageError}. */
export const keysDir = (caller: Caller): string => knownKeysDir(caller) ?? nowhere('KANADE_KEYS_DIR');

/** The file that was named, else `command-keys.json` beside the keys of the user. Throws {@link UsageError}. */
export function ringPath({ io, cwd }: Caller, given: string | undefined): string {
  if (given !== undefined) return resolve(cwd, given);
  return join(homeIn(io.env) ?? nowhere('--ring'), 'command-keys.json');
}

/** The same where it is known; undefined without a home. */
export const knownRingPath = (caller: Caller): string | undefined =>
  homeIn(caller.io.env) === undefined ? undefined : ringPath(caller, undefined);

export const ringOption = {
  ring: {
    kind: 'text',
    value: 'FILE',
    help: 'the key ring (default: command-keys.json in the configuration directory)',
  },
} as const satisfies OptionTable;

function homeIn(env: Context['io']['env']): string | undefined {
  const config = configPath(env);
  return config && join(dirname(dirname(config)), 'kanade');
}

function nowhere(option: string): never {
  throw new UsageError(`no home directory is known: give ${option}`);
}
