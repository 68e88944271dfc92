/** Where release keys are. */
import { dirname, join, resolve } from 'node:path';
import { type Context, UsageError } from '../../call/command.ts';
import { configPath } from '../../local/settings.ts';

/** `--keys-dir`, `KANADE_RELEASE_KEYS_DIR`, else below the user's configuration directory. Throws {@link UsageError}. */
export function releaseKeysDir({ given, io, cwd }: Context): string {
  const named = (given['keys-dir'] as string | undefined) ?? (io.env.KANADE_RELEASE_KEYS_DIR || undefined);
  if (named !== undefined) return resolve(cwd, named);
  const config = configPath(io.env);
  if (!config) throw new UsageError('no home directory is known: give --keys-dir');
  return join(dirname(dirname(config)), 'kanade', 'release-keys');
}
