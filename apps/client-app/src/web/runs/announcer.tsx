import type { UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { inReadingOrder, type RunView } from '../../run/runs.ts';
import { useText } from '../text/language.ts';
import { statusWords } from '../text/words.ts';
import { runName } from './run-name.ts';

export interface AnnouncerProps {
  readonly runs: readonly RunView[];
  readonly jobs: readonly UserInvokableJob[];
}

/** Tells screen readers how runs change; their output, which may come many times a second, is read on demand. */
export function Announcer({ runs, jobs }: AnnouncerProps): JSX.Element {
  const text = useText();
  const nameOf = (run: RunView): string =>
    runName(
      run,
      jobs.find(({ id }) => id === run.job_id),
    );
  return (
    <ul class="visually-hidden" aria-live="polite" aria-relevant="additions text">
      {inReadingOrder(runs).map((run) => (
        <li key={run.run_id}>{text.announceRun(nameOf(run), statusWords(run, text))}</li>
      ))}
    </ul>
  );
}
