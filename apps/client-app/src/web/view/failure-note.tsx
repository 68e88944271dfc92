import type { JSX } from 'preact';
import { useText } from '../text/language.ts';
import { failureWords } from '../text/words.ts';
import { Icon } from './icon.tsx';

export interface FailureNoteProps {
  readonly failure: { readonly code: string; readonly message: string };
  readonly onDismiss: () => void;
}

export function FailureNote({ failure, onDismiss }: FailureNoteProps): JSX.Element {
  const text = useText();
  return (
    <div class="failure" role="alert">
      <Icon name="alert-triangle" />
      <p>{failureWords(failure, text)}</p>
      <button type="button" class="icon-button" aria-label={text.dismiss} onClick={onDismiss}>
        <Icon name="x" />
      </button>
    </div>
  );
}
