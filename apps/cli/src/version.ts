import { readFileSync } from 'node:fs';
import { contracts } from './call/command.ts';

/** Set by the bundler, which leaves no package.json beside the code. */
declare const KANADE_VERSION: string | undefined;

/**
 * Version of the product, what it runs on, and the contract of its answers: `kanade 0.1.0 (bun 1.4.5, linux-x64), contract 0.2.31`. By
 * its other name the contract comes first, because callers of that name gate on it: `agent-exec 0.2.31 (kanade 0.1.0, …)`.
 */
export function versionLine(name: string): string {
  const version = productVersion();
  const { bun, node } = process.versions;
  const place = `${bun ? `bun ${bun}` : `node ${node}`}, ${process.platform}-${process.arch}`;
  const contract = contracts.at(-1);
  if (name === 'agent-exec') return `${name} ${contract} (kanade ${version}, ${place}), contract ${contract}`;
  return `${name} ${version} (${place}), contract ${contract}`;
}

/** Version of the product alone, such as `0.1.0`. */
export const productVersion = (): string => (typeof KANADE_VERSION === 'string' ? KANADE_VERSION : packageVersion());

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}
