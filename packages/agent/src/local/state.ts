import type { SendPush } from '@kanade/klp';
import type { StateSnapshot } from '@kanade/shared/local';
import type { CheckResults } from '../store/check-results.ts';
import type { LocalContract, LocalHandlers } from './session.ts';
import { createSubscriptions, type PushSubscriptions } from './subscriptions.ts';

/** What this machine says about itself, and when that changes. */
export interface MachineState {
  snapshot(): StateSnapshot;
  setOnline(online: boolean): void;
  /** What it is made of may have changed. */
  changed(): void;
  /** Calls back with each new snapshot, only when something changed, until the returned function is called. */
  watch(listener: (snapshot: StateSnapshot) => void): () => void;
}

export interface MachineStateOptions {
  readonly pcId: string;
  readonly version: string;
  readonly checks: Pick<CheckResults, 'list' | 'watch'>;
  /** The version that this agent is about to become. */
  readonly pending: () => string | undefined;
}

export function createMachineState({ pcId, version, checks, pending }: MachineStateOptions): MachineState {
  const listeners = new Set<(snapshot: StateSnapshot) => void>();
  let online = false;
  const snapshot = (): StateSnapshot => ({
    pc_id: pcId,
    online,
    checks: [...checks.list()],
    agent_version: version,
    target_version: pending() ?? version,
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
    changed: tell,
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The state of the machine, for everybody whom it serves. */
export function stateHandlers(state: Pick<MachineState, 'snapshot'>) {
  return {
    'state.snapshot': () => state.snapshot(),
    'state.subscribe': (_, { session }) => ({ subscription: session.states.subscribe() }),
    'state.unsubscribe': ({ subscription }, { session }) => session.states.unsubscribe(subscription),
  } satisfies Partial<LocalHandlers>;
}

/** Pushes each change to one connection, once it has subscribed, until the signal fires. */
export function pushStates(
  state: Pick<MachineState, 'watch'>,
  scope: { push: SendPush<LocalContract>; signal: AbortSignal; onError: (error: unknown) => void },
): PushSubscriptions {
  const subscriptions = createSubscriptions('s');
  const unwatch = state.watch((snapshot) => {
    if (subscriptions.isEmpty) return;
    scope.push('state.changed', { snapshot, at: new Date().toISOString() }).catch(scope.onError);
  });
  scope.signal.addEventListener('abort', unwatch, { once: true });
  return subscriptions;
}
