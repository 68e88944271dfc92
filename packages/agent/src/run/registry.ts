import type { JobDir } from '@kanade/runner';
import type { LiveRun, Run, RunEnd, Stopper } from './model.ts';

export type RegistryEvent =
  | { readonly kind: 'added'; readonly live: LiveRun }
  | { readonly kind: 'started'; readonly live: LiveRun }
  | { readonly kind: 'ended'; readonly live: LiveRun; readonly end: RunEnd };

/** The live runs of this agent, and the one way to stop them: orders from the broker and from the machine end here. */
export interface Registry {
  add(run: Run): LiveRun;
  started(live: LiveRun, job: JobDir, startedAtMs: number): void;
  ended(live: LiveRun, end: RunEnd): void;
  get(runId: string): LiveRun | undefined;
  all(): LiveRun[];
  /** Asks every run that matches to stop; needs no broker. Returns how many there were: none is no error. */
  stop(match: { runId: string } | { execId: string }, by: Stopper): number;
  /** Calls back on every change until the returned function is called. */
  watch(listener: (event: RegistryEvent) => void): () => void;
}

interface Entry {
  live: { -readonly [K in keyof LiveRun]: LiveRun[K] };
  stopping: AbortController;
}

/** `stopJob` ends the processes of a running job; it reports its own failures. */
export function createRegistry(stopJob: (job: JobDir, by: Stopper) => void): Registry {
  const entries = new Map<string, Entry>();
  const listeners = new Set<(event: RegistryEvent) => void>();
  const emit = (event: RegistryEvent): void => {
    for (const listener of [...listeners]) listener(event);
  };

  function stopOne({ live, stopping }: Entry, by: Stopper): void {
    live.stoppedBy ??= by;
    stopping.abort(new Error(`stopped by ${live.stoppedBy}`));
    if (live.running) stopJob(live.running.job, by);
  }

  return {
    add(run) {
      const stopping = new AbortController();
      const live = { run, running: undefined, stoppedBy: undefined, stopSignal: stopping.signal };
      entries.set(run.runId, { live, stopping });
      emit({ kind: 'added', live });
      return live;
    },
    started(live, job, startedAtMs) {
      const entry = entries.get(live.run.runId);
      if (!entry) return;
      entry.live.running = { job, startedAtMs };
      emit({ kind: 'started', live });
      // Asked for while there was nothing to stop yet.
      if (live.stoppedBy) stopJob(job, live.stoppedBy);
    },
    ended(live, end) {
      if (entries.delete(live.run.runId)) emit({ kind: 'ended', live, end });
    },
    get: (runId) => entries.get(runId)?.live,
    all: () => [...entries.values()].map(({ live }) => live),
    stop(match, by) {
      const hit = [...entries.values()].filter(({ live: { run } }) =>
        'runId' in match ? run.runId === match.runId : run.execId === match.execId,
      );
      for (const entry of hit) stopOne(entry, by);
      return hit.length;
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
