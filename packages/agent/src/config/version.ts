import { readFileSync } from 'node:fs';

/** Set by the bundler, which leaves no package.json beside the code. */
declare const KANADE_VERSION: string | undefined;

/** The version of this agent. */
export function agentVersion(): string {
  if (typeof KANADE_VERSION === 'string') return KANADE_VERSION;
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
