/** What came with this program where it is installed as an executable. */
import { dirname, join } from 'node:path';

/** Whether this is the executable, and not the Node form. */
export const isExecutable = (): boolean => /\$bunfs|~BUN/.test(process.argv[1] ?? '');

/** The keys of who signs releases: `bin/kanade` and `share/release-keys.json` lie beside each other. */
export const installedReleaseKeys = (): string =>
  join(isExecutable() ? dirname(dirname(process.execPath)) : '/opt/kanade', 'share', 'release-keys.json');
