import { isEnded } from '@kanade/shared/local-words';
import type { PageEvent, PageEventOf } from '../wire/page-event.ts';
import { applyProgress, newRun, type Run } from './run.ts';

/** Runs kept and shown. The oldest finished one makes room for a new one. */
export const runCountMax = 30;

/** The runs after one event, newest last. Server and page use this one function, so that both show the same. */
export function foldRuns(runs: readonly Run[], event: PageEvent): readonly Run[] {
  switch (event.type) {
    case 'all':
      return event.runs;
    case 'progress':
      return foldProgress(runs, event);
    case 'stopping':
      return changeActive(runs, (run) => (run.run_id === event.run_id ? { ...run, stopping: true } : run));
    case 'connection':
      // What the agent says of a run after a break may start over; see `resumeOutput`.
      if (event.connection.phase === 'connected') return runs;
      return changeActive(runs, (run) => ({ ...run, isInterrupted: true }));
    case 'snapshot':
      return runs;
  }
}

/** Active ones first, the newest on top of each part. */
export function inReadingOrder(runs: readonly Run[]): readonly Run[] {
  return [...runs].sort(
    (a, b) =>
      Number(isEnded(a.status)) - Number(isEnded(b.status)) || Date.parse(b.started_at) - Date.parse(a.started_at),
  );
}

function foldProgress(runs: readonly Run[], { progress, at }: PageEventOf<'progress'>): readonly Run[] {
  const isKnown = runs.some((run) => run.run_id === progress.run_id);
  if (!isKnown) return addRun(runs, applyProgress(newRun(progress.run_id, at), progress, at));
  return runs.map((run) => (run.run_id === progress.run_id ? applyProgress(run, progress, at) : run));
}

function changeActive(runs: readonly Run[], change: (run: Run) => Run): readonly Run[] {
  return runs.map((run) => (isEnded(run.status) ? run : change(run)));
}

/** With every place taken by a running one the new one is left out: what is shown stays bounded, the run itself goes on. */
function addRun(runs: readonly Run[], run: Run): readonly Run[] {
  if (runs.length < runCountMax) return [...runs, run];
  const oldestEnded = runs.findIndex((one) => isEnded(one.status));
  return oldestEnded === -1 ? runs : [...runs.filter((_, index) => index !== oldestEnded), run];
}
