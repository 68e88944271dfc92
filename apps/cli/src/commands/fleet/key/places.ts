/** Where keys and the ring of an operator are. */
import { dirname, join, resolve } from 'node:path';
import { type Context, type OptionTable, UsageError } from '../../../call/command.ts';
import { configPath } from '../../../local/settings.ts';

type Caller = Pick<Context, 'io' | 'cwd'>;

/** `KANADE_KEYS_DIR`, else `kanade/keys` where the user's configuration is. */
export const keysDir = ({ io, cwd }: Caller): string =>
  io.env.KANADE_KEYS_DIR ? resolve(cwd, io.env.KANADE_KEYS_DIR) : join(home(io.env), 'keys');

/** The file that was named, else `command-keys.json` beside the keys of the user. */
export const ringPath = ({ io, cwd }: Caller, given: string | undefined): string =>
  given === undefined ? join(home(io.env), 'command-keys.json') : resolve(cwd, given);

export const ringOption = {
  ring: {
    kind: 'text',
    value: 'FILE',
    help: 'the key ring (default: command-keys.json in the configuration directory)',
  },
} as const satisfies OptionTable;

function home(env: Context['io']['env']): string {
  const config = configPath(env);
  if (config === undefined) throw new UsageError('no home directory is known: set KANADE_KEYS_DIR and give --ring');
  return join(dirname(dirname(config)), 'kanade');
}
