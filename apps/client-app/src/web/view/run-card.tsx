import { isEnded } from '@kanade/shared/local-words';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RunView } from '../../run/board.ts';
import { useLanguage, useText } from '../text/language.ts';
import { durationWords, instantWords } from '../text/words.ts';
import { Icon } from './icon.tsx';
import { RunOutput } from './run-output.tsx';
import { StatusBadge } from './status-badge.tsx';
import { StopButton } from './stop-button.tsx';

export interface RunCardProps {
  readonly run: RunView;
  readonly name: string;
  readonly onStop: () => Promise<boolean>;
}

export function RunCard({ run, name, onStop }: RunCardProps): JSX.Element {
  const text = useText();
  const language = useLanguage();
  const fold = useRef<HTMLButtonElement>(null);
  const [isOpen, setIsOpen] = useState(true);
  const isActive = !isEnded(run.status);
  const bodyId = `output-${run.run_id}`;
  return (
    <li class={`run ${run.status}`}>
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
        <div class="run-words">
          <h3>{name}</h3>
          <p class="run-facts">
            <StatusBadge run={run} />
            <time dateTime={run.started_at}>{instantWords(run.started_at, language)}</time>
            <Duration run={run} />
          </p>
        </div>
        {isActive && (
          <StopButton name={name} isStopping={run.stopping} onStop={onStop} onFocusLost={() => fold.current?.focus()} />
        )}
      </div>
      <div id={bodyId} hidden={!isOpen}>
        {isOpen && <RunOutput run={run} name={name} />}
      </div>
    </li>
  );
}

/** How long it took; counts while it runs. */
function Duration({ run }: { run: RunView }): JSX.Element {
  const text = useText();
  const [nowMs, setNowMs] = useState(Date.now);
  const isActive = !isEnded(run.status);
  useEffect(() => {
    if (!isActive) return;
    const timer = setInterval(() => setNowMs(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isActive]);
  const endMs = run.finished_at ? Date.parse(run.finished_at) : nowMs;
  return <span>{durationWords(endMs - Date.parse(run.started_at), text)}</span>;
}
