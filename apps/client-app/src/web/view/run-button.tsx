import type { UserInvokableJob } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';
import type { JSX } from 'preact';
import type { RunView } from '../../run/runs.ts';
import { useText } from '../text/language.ts';
import { Icon } from './icon.tsx';

export interface RunButtonProps {
  readonly job: UserInvokableJob;
  readonly runs: readonly RunView[];
  /** False while no job can be started. */
  readonly isReady: boolean;
  /** What stands on it, and what a screen reader says. */
  readonly words: string;
  readonly label: string;
  readonly onStart: () => void;
}

/** Starts a job. While it runs it leads to the run instead: a second click does not start a second one. */
export function RunButton({ job, runs, isReady, words, label, onStart }: RunButtonProps): JSX.Element {
  const text = useText();
  const active = runs.findLast((run) => run.job_id === job.id && !isEnded(run.status));
  if (active) {
    return (
      <button
        type="button"
        class="button quiet"
        aria-label={text.showRunNamed(job.display_name)}
        onClick={() => showRun(active.run_id)}
      >
        <Icon name="spinner" />
        {text.showRun}
      </button>
    );
  }
  // `aria-disabled`: whoever stands on it while the agent is away for a moment stands on it afterwards.
  return (
    <button
      type="button"
      class="button"
      aria-disabled={!isReady}
      aria-label={label}
      onClick={isReady ? onStart : undefined}
    >
      {words}
    </button>
  );
}

/** Brings a run into view and leads the keyboard there. */
function showRun(runId: string): void {
  const card = document.getElementById(`run-${runId}`);
  card?.scrollIntoView({ block: 'nearest' });
  card?.focus({ preventScroll: true });
}
