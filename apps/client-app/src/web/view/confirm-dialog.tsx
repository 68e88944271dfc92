import type { UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useText } from '../text/language.ts';
import { GivenIcon } from './icon.tsx';

export interface ConfirmDialogProps {
  readonly job: UserInvokableJob;
  readonly onAnswer: (isWanted: boolean) => void;
}

/** A native modal dialog: it traps the focus, Escape cancels, and closing gives the focus back to the Run button. */
export function ConfirmDialog({ job, onAnswer }: ConfirmDialogProps): JSX.Element {
  const text = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  const runButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    runButton.current?.focus();
  }, []);
  const close = (answer: 'run' | 'cancel') => (): void => dialog.current?.close(answer);
  return (
    <dialog
      ref={dialog}
      class="confirm"
      aria-labelledby="confirm-title"
      aria-describedby="confirm-text"
      onClose={() => onAnswer(dialog.current?.returnValue === 'run')}
    >
      <span class="tile">
        <GivenIcon icon={job.icon} />
      </span>
      <h2 id="confirm-title">{text.confirmTitle(job.display_name)}</h2>
      <p id="confirm-text">{job.confirm?.message || text.confirmText}</p>
      <div class="buttons">
        <button type="button" class="button quiet" onClick={close('cancel')}>
          {text.cancel}
        </button>
        <button type="button" ref={runButton} class="button strong" onClick={close('run')}>
          {text.run}
        </button>
      </div>
    </dialog>
  );
}
