/** What `--compress` takes (contract, section 7.7). `off` gives no compression object; `auto` is not a mode. No schema library here. */
export const compressionModes = ['off', 'route', 'errors', 'tests', 'logs', 'git', 'json', 'summary'] as const;
export type CompressionMode = (typeof compressionModes)[number];
