import type { StateSnapshot } from '@kanade/shared/local';
import type { CheckResults } from '../store/check-results.ts';

/** What this machine says about itself, and when that changes. */
export interface MachineState {
  snapshot(): StateSnapshot;
  setOnline(online: boolean): void;
  /** Calls back with each new snapshot, only when something changed, until the returned function is called. */
  watch(listener: (snapshot: StateSnapshot) => void): () => void;
}

export interface MachineStateOptions {
  readonly pcId: string;
  readonly version: string;
  readonly checks: Pick<CheckResults, 'list' | 'watch'>;
}

export function createMachineState({ pcId, version, checks }: MachineStateOptions): MachineState {
  const listeners = new Set<(snapshot: StateSnapshot) => void>();
  let online = false;
  const snapshot = (): StateSnapshot => ({
    pc_id: pcId,
    online,
    checks: [...checks.list()],
    agent_version: version,
    target_version: version,
  });
  const tell = (): void => {
    for (const listener of [...listeners]) listener(snapshot());
  };
  checks.watch(tell);
  return {
    snapshot,
    setOnline(next) {
      if (next === online) return;
      online = next;
      tell();
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
