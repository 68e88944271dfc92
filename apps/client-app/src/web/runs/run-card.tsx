import type { UserInvokableJob } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { RunView } from '../../run/runs.ts';
import { useNow, useSeconds } from '../state/use-now.ts';
import { useLanguage, useText } from '../text/language.ts';
import { durationWords, instantWords, nextStepWords } from '../text/words.ts';
import { Icon } from '../view/icon.tsx';
import { runName } from './run-name.ts';
import { RunOutput } from './run-output.tsx';
import { StatusBadge } from './status-badge.tsx';
import { StopButton } from './stop-button.tsx';
import { overdueAtMs } from './watchdog.ts';
import type { AskOutput } from './whole-output.ts';

export interface RunCardProps {
  readonly run: RunView;
  readonly job: UserInvokableJob | undefined;
  /** False while the agent cannot be asked. */
  readonly isReady: boolean;
  readonly onStop: () => Promise<boolean>;
  readonly onReadOutput: AskOutput;
}

/** A run that ended this long ago opens only when asked to, in ms. */
const freshMs = 10_000;

export function RunCard({ run, job, isReady, onStop, onReadOutput }: RunCardProps): JSX.Element {
  const text = useText();
  const fold = useRef<HTMLButtonElement>(null);
  const [isOpen, setIsOpen] = useState(
    () => !isEnded(run.status) || Date.now() - Date.parse(run.finished_at ?? run.heard_at) < freshMs,
  );
  const name = runName(run, job);
  const bodyId = `output-${run.run_id}`;
  return (
    <li class={`run box raised ${run.status}`} id={`run-${run.run_id}`} tabIndex={-1}>
      <div class="run-head">
        <button
          ref={fold}
          type="button"
          class="fold"
          aria-expanded={isOpen}
          aria-controls={bodyId}
          aria-label={text.showOutputOf(name)}
          onClick={() => setIsOpen(!isOpen)}
        >
          <Icon name="chevron-down" />
        </button>
        <RunFacts run={run} name={name} isReady={isReady} />
        {!isEnded(run.status) && (
          <StopButton
            name={name}
            isReady={isReady}
            isStopping={run.stopping}
            onStop={onStop}
            onFocusLost={() => fold.current?.focus()}
          />
        )}
      </div>
      <RunAdvice run={run} job={job} isReady={isReady} />
      <div id={bodyId} hidden={!isOpen}>
        {isOpen && <RunOutput run={run} name={name} onRead={onReadOutput} />}
      </div>
    </li>
  );
}

function RunFacts({ run, name, isReady }: { run: RunView; name: string; isReady: boolean }): JSX.Element {
  const text = useText();
  const language = useLanguage();
  // While nothing is heard of a run, nobody knows whether it still takes time.
  const nowMs = useSeconds(!isEnded(run.status) && isReady);
  const endMs = run.finished_at ? Date.parse(run.finished_at) : Math.max(nowMs, Date.parse(run.started_at));
  return (
    <div class="words">
      <h3>{name}</h3>
      <p class="facts">
        <StatusBadge run={run} />
        <time dateTime={run.started_at}>{instantWords(run.started_at, language)}</time>
        <span>{durationWords(endMs - Date.parse(run.started_at), text)}</span>
      </p>
    </div>
  );
}

/** What to do about a run that failed, or of which nothing is heard any more. */
function RunAdvice({ run, job, isReady }: Pick<RunCardProps, 'run' | 'job' | 'isReady'>): JSX.Element | null {
  const text = useText();
  const overdueAt = isReady ? overdueAtMs(run, job) : undefined;
  const nowMs = useNow(overdueAt === undefined ? [] : [overdueAt]);
  if (overdueAt !== undefined && nowMs >= overdueAt) {
    return (
      <p class="advice">
        <strong>{text.noAnswer}</strong> {text.noAnswerText}
      </p>
    );
  }
  const words = nextStepWords(run, text);
  return words === undefined ? null : <p class="advice">{words}</p>;
}
