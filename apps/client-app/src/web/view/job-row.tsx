import type { JobRun, UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import type { RunView } from '../../run/board.ts';
import { useLanguage, useText } from '../text/language.ts';
import { instantWords } from '../text/words.ts';
import { GivenIcon } from './icon.tsx';
import { StatusBadge } from './status-badge.tsx';

export interface JobRowProps {
  readonly job: UserInvokableJob;
  readonly lastRun: RunView | JobRun | undefined;
  readonly isReady: boolean;
  readonly onStart: () => void;
}

export function JobRow({ job, lastRun, isReady, onStart }: JobRowProps): JSX.Element {
  const text = useText();
  return (
    <li class="job">
      <span class="tile">
        <GivenIcon icon={job.icon} />
      </span>
      <div class="job-words">
        <h3>{job.display_name}</h3>
        {job.display_description && <p class="dim">{job.display_description}</p>}
        {lastRun && <LastRun run={lastRun} />}
      </div>
      <button
        type="button"
        class="button"
        disabled={!isReady}
        aria-label={text.runNamed(job.display_name)}
        onClick={onStart}
      >
        {text.run}
      </button>
    </li>
  );
}

function LastRun({ run }: { run: RunView | JobRun }): JSX.Element {
  const text = useText();
  const language = useLanguage();
  return (
    <p class="last-run">
      <span>{text.lastRun}</span>
      <time dateTime={run.started_at}>{instantWords(run.started_at, language)}</time>
      <StatusBadge
        run={{ status: run.status, exit_code: run.exit_code, stopping: 'stopping' in run && run.stopping === true }}
      />
    </p>
  );
}
