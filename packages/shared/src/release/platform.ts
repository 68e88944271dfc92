const archNames: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const systemNames: Readonly<Record<string, string>> = { win32: 'windows' };

/**
 * The platform of a machine as manifests name it, and objects of `agent_releases` behind their version: `linux-x86_64`,
 * `linux-x86_64-musl`, `linux-aarch64`, `darwin-aarch64`, `windows-x86_64`. From what Node calls its system (`linux`, `win32`) and architecture (`x64`,
 * `arm64`).
 */
export function releasePlatformOf(system: string, arch: string, { isMusl = false } = {}): string {
  const name = `${systemNames[system] ?? system}-${archNames[arch] ?? arch}`;
  return isMusl ? `${name}-musl` : name;
}
