import { hostname } from 'node:os';
import type { Heartbeat } from '@kanade/shared/fleet';

const osFamilies: Partial<Record<NodeJS.Platform, string>> = { win32: 'windows', linux: 'linux', darwin: 'macos' };

/** Makes heartbeats; the share of processor time is that since the beat before, so the first one has none. */
export function createPulse({ pcId, version }: { pcId: string; version: string }): () => Heartbeat {
  let last: { atMs: number; cpuMicros: number } | undefined;
  return () => {
    const { user, system } = process.cpuUsage();
    const now = { atMs: performance.now(), cpuMicros: user + system };
    const sinceMs = last ? now.atMs - last.atMs : 0;
    const cpuPct = last && sinceMs > 0 ? (now.cpuMicros - last.cpuMicros) / sinceMs / 10 : undefined;
    last = now;
    const family = osFamilies[process.platform];
    return {
      pc_id: pcId,
      at: new Date().toISOString(),
      agent_version: version,
      hostname: hostname(),
      ...(family === undefined ? {} : { os_family: family }),
      ...(cpuPct === undefined ? {} : { agent_cpu_pct: Math.round(cpuPct * 100) / 100 }),
      agent_rss_bytes: process.memoryUsage.rss(),
      command_keys: [],
      enforcing: false,
      command_protocols: ['legacy'],
    };
  };
}
