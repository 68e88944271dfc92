/** Set by the bundler; absent when the sources run as they are. */
declare const KANADE_VERSION: string | undefined;

/** Version of the product, and what it runs on: `0.1.0 (bun 1.4.5, linux-x64)`. */
export function versionLine(): string {
  const version = typeof KANADE_VERSION === 'string' ? KANADE_VERSION : '0.0.0-source';
  const { bun, node } = process.versions;
  return `${version} (${bun ? `bun ${bun}` : `node ${node}`}, ${process.platform}-${process.arch})`;
}
