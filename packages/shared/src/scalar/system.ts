const families: Readonly<Record<string, 'windows' | 'linux' | 'macos'>> = {
  win32: 'windows',
  linux: 'linux',
  darwin: 'macos',
};

/** How heartbeats and manifests call the system that a runtime calls `platform`; undefined for one that they have no word for. */
export const osFamily = (platform: string): 'windows' | 'linux' | 'macos' | undefined => families[platform];
