import type { StateSnapshot } from '@kanade/shared/local';

/** What this machine says about itself, and when that changes. */
export interface MachineState {
  snapshot(): StateSnapshot;
  setOnline(online: boolean): void;
  /** Calls back with each new snapshot, only when something changed, until the returned function is called. */
  watch(listener: (snapshot: StateSnapshot) => void): () => void;
}

export function createMachineState({ pcId, version }: { pcId: string; version: string }): MachineState {
  const listeners = new Set<(snapshot: StateSnapshot) => void>();
  let online = false;
  const snapshot = (): StateSnapshot => ({
    pc_id: pcId,
    online,
    checks: [],
    agent_version: version,
    target_version: version,
  });
  return {
    snapshot,
    setOnline(next) {
      if (next === online) return;
      online = next;
      for (const listener of [...listeners]) listener(snapshot());
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
