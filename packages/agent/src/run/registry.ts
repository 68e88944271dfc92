import type { JobDir } from '@kanade/runner';
import type { LiveRun, Run, RunEnd, Running, Stopper } from './model.ts';

export type RegistryEvent =
  | { readonly kind: 'added'; readonly live: LiveRun }
  | { readonly kind: 'started'; readonly live: LiveRun }
  | { readonly kind: 'ended'; readonly live: LiveRun; readonly end: RunEnd };

/** The live runs of this agent, and the one way to stop them: orders from the broker and from the machine end here. */
export interface Registry {
  /** `stoppedBy`: it was asked to stop in an earlier life of this agent. */
  add(run: Run, stoppedBy?: Stopper): LiveRun;
  started(live: LiveRun, running: Running): void;
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

export interface RegistryPorts {
  /** Writes down that a run is to stop, so that no crash forgets it; reports its own failures. */
  readonly noteStop: (runId: string, by: Stopper) => void;
  /** Ends the processes of a running job; reports its own failures. */
  readonly stopJob: (job: JobDir, by: Stopper) => void;
}

export function createRegistry({ noteStop, stopJob }: RegistryPorts): Registry {
  const entries = new Map<string, Entry>();
  const listeners = new Set<(event: RegistryEvent) => void>();
  const emit = (event: RegistryEvent): void => {
    for (const listener of [...listeners]) listener(event);
  };

  function stopOne({ live, stopping }: Entry, by: Stopper): void {
    if (!live.stoppedBy) noteStop(live.run.runId, by);
    live.stoppedBy ??= by;
    stopping.abort(new Error(`stopped by ${live.stoppedBy}`));
    if (live.running) stopJob(live.running.job, by);
  }

  return {
    add(run, stoppedBy) {
      const stopping = new AbortController();
      if (stoppedBy) stopping.abort(new Error(`stopped by ${stoppedBy}`));
      const live = { run, running: undefined, stoppedBy, stopSignal: stopping.signal };
      entries.set(run.runId, { live, stopping });
      emit({ kind: 'added', live });
      return live;
    },
    started(live, running) {
      const entry = entries.get(live.run.runId);
      if (!entry) return;
      entry.live.running = running;
      emit({ kind: 'started', live });
      // Asked for while there was nothing to stop yet.
      if (live.stoppedBy) stopJob(running.job, live.stoppedBy);
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
