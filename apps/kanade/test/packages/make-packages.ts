/** The tool that makes packages, as a release calls it. */
import { fileURLToPath } from 'node:url';
import { call } from '../program.ts';

const tool = fileURLToPath(new URL('../../release/packages.mjs', import.meta.url));

export interface Making {
  readonly executable: string;
  readonly version: string;
  readonly platform: string;
  readonly out: string;
  /** Further options. */
  readonly more?: readonly string[];
  /** Octal digits. */
  readonly umask?: string;
}

export interface MadePackage {
  readonly kind: 'deb' | 'rpm' | 'tarball';
  readonly file: string;
  readonly sha256: string;
}

/** Rejects with what the tool said. */
export async function makePackages({ umask = '022', more = [], ...given }: Making): Promise<MadePackage[]> {
  const options = Object.entries(given).flatMap(([name, value]) => [`--${name}`, value as string]);
  const words = ['sh', '-c', 'umask "$0"; exec "$@"', umask, process.execPath, tool, ...options, ...more];
  const { status, stdout, stderr } = await call([], { words });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as MadePackage);
}
