import type { UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { inReadingOrder, type RunView } from '../../run/runs.ts';
import type { PageActions } from '../state/use-page.ts';
import { useText } from '../text/language.ts';
import { RunCard } from './run-card.tsx';

export interface RunPanelProps {
  readonly runs: readonly RunView[];
  readonly jobs: readonly UserInvokableJob[];
  /** False while the agent cannot be asked: nothing is heard of a run, and none can be stopped. */
  readonly isReady: boolean;
  readonly actions: Pick<PageActions, 'stop' | 'readOutput'>;
}

export function RunPanel({ runs, jobs, isReady, actions }: RunPanelProps): JSX.Element {
  const text = useText();
  return (
    <aside class="runs" id="runs" tabIndex={-1} aria-labelledby="runs-title">
      <h2 id="runs-title">{text.runs}</h2>
      <ul>
        {inReadingOrder(runs).map((run) => (
          <RunCard
            key={run.run_id}
            run={run}
            job={jobs.find(({ id }) => id === run.job_id)}
            isReady={isReady}
            onStop={() => actions.stop(run.run_id)}
            onReadOutput={actions.readOutput}
          />
        ))}
      </ul>
    </aside>
  );
}
