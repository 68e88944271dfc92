import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useText } from '../text/language.ts';
import { Icon } from './icon.tsx';

/** How long the button says that it has copied, in ms. */
const saidMs = 2_000;

export interface CopyButtonProps {
  readonly isDisabled?: boolean;
  readonly onCopy: () => Promise<void>;
}

export function CopyButton({ isDisabled = false, onCopy }: CopyButtonProps): JSX.Element {
  const text = useText();
  const [outcome, setOutcome] = useState<'copied' | 'copyFailed'>();
  useEffect(() => {
    if (outcome === undefined) return;
    const timer = setTimeout(() => setOutcome(undefined), saidMs);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = (): void => {
    onCopy().then(
      () => setOutcome('copied'),
      () => setOutcome('copyFailed'),
    );
  };
  return (
    <button type="button" class="button quiet" disabled={isDisabled} onClick={copy}>
      <Icon name={outcome === 'copied' ? 'check' : 'copy'} />
      <span aria-live="polite">{text[outcome ?? 'copy']}</span>
    </button>
  );
}
