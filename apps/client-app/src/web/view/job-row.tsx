import type { JobRun, UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import type { RunView } from '../../run/runs.ts';
import { StatusBadge } from '../runs/status-badge.tsx';
import { useLanguage, useText } from '../text/language.ts';
import { instantWords } from '../text/words.ts';
import { GivenIcon } from './icon.tsx';
import { RunButton } from './run-button.tsx';

export interface JobRowProps {
  readonly job: UserInvokableJob;
  readonly runs: readonly RunView[];
  readonly isReady: boolean;
  readonly onStart: () => void;
}

export function JobRow({ job, runs, isReady, onStart }: JobRowProps): JSX.Element {
  const text = useText();
  const lastRun = runs.findLast((run) => run.job_id === job.id) ?? job.last_run;
  return (
    <li class="job entry">
      <span class="tile">
        <GivenIcon icon={job.icon} />
      </span>
      <div class="words">
        <h3>{job.display_name}</h3>
        {job.unlock !== undefined && <p class="chip support">{text.unlockedBySupport}</p>}
        {job.display_description && <p class="dim">{job.display_description}</p>}
        {lastRun && <LastRun run={lastRun} />}
      </div>
      <RunButton
        job={job}
        runs={runs}
        isReady={isReady}
        words={text.run}
        label={text.runNamed(job.display_name)}
        onStart={onStart}
      />
    </li>
  );
}

function LastRun({ run }: { run: RunView | JobRun }): JSX.Element {
  const text = useText();
  const language = useLanguage();
  return (
    <p class="last-run facts">
      <span>{text.lastRun}</span>
      <time dateTime={run.started_at}>{instantWords(run.started_at, language)}</time>
      <StatusBadge run={{ ...run, stopping: 'stopping' in run && run.stopping === true }} />
    </p>
  );
}
