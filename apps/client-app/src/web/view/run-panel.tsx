import type { JSX } from 'preact';
import { inReadingOrder, type RunView } from '../../run/board.ts';
import { useText } from '../text/language.ts';
import { Icon } from './icon.tsx';
import { RunCard } from './run-card.tsx';

export interface RunPanelProps {
  readonly runs: readonly RunView[];
  /** Job id → display name. */
  readonly names: ReadonlyMap<string, string>;
  readonly onStop: (runId: string) => Promise<boolean>;
}

export function RunPanel({ runs, names, onStop }: RunPanelProps): JSX.Element {
  const text = useText();
  return (
    <aside class="runs" id="runs" tabIndex={-1} aria-labelledby="runs-title">
      <h2 id="runs-title">{text.runs}</h2>
      {runs.length === 0 && (
        <div class="nothing">
          <Icon name="play" />
          <h3>{text.noRunsTitle}</h3>
          <p class="dim">{text.noRunsText}</p>
        </div>
      )}
      <ul>
        {inReadingOrder(runs).map((run) => (
          <RunCard key={run.run_id} run={run} name={nameOf(run, names)} onStop={() => onStop(run.run_id)} />
        ))}
      </ul>
    </aside>
  );
}

/** A run whose job is no longer offered goes by its job's id. */
export function nameOf(run: RunView, names: ReadonlyMap<string, string>): string {
  return names.get(run.job_id ?? '') ?? run.job_id ?? run.run_id;
}
