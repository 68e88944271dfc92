import type { JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useText } from '../text/language.ts';
import { Icon } from '../view/icon.tsx';

export interface StopButtonProps {
  readonly name: string;
  /** False while the agent cannot be asked. */
  readonly isReady: boolean;
  /** The agent has taken the request. */
  readonly isStopping: boolean;
  /** Resolves to false when the request could not be made. */
  readonly onStop: () => Promise<boolean>;
  /** Called when the button goes away while it has the focus. */
  readonly onFocusLost: () => void;
}

/** Asks nothing; switches itself off from the click until the run ends, or until the request turns out to have failed. */
export function StopButton({ name, isReady, isStopping, onStop, onFocusLost }: StopButtonProps): JSX.Element {
  const text = useText();
  const button = useRef<HTMLButtonElement>(null);
  const [isAsked, setIsAsked] = useState(false);
  // Two presses may come between two drawings.
  const isUnderWay = useRef(false);
  useLayoutEffect(
    () => () => {
      if (button.current !== null && button.current === document.activeElement) onFocusLost();
    },
    [],
  );
  const isWaiting = isAsked || isStopping;
  const stop = async (): Promise<void> => {
    if (isWaiting || isUnderWay.current || !isReady) return;
    isUnderWay.current = true;
    setIsAsked(true);
    const isTaken = await onStop();
    isUnderWay.current = false;
    if (!isTaken) setIsAsked(false);
  };
  // `aria-disabled`: a button that is `disabled` drops the focus, and the keyboard would start over at the top.
  return (
    <button
      ref={button}
      type="button"
      class="button stop"
      aria-disabled={isWaiting || !isReady}
      aria-label={isWaiting ? undefined : text.stopNamed(name)}
      onClick={stop}
    >
      <Icon name="stop" />
      {isWaiting ? text.stopping : text.stop}
    </button>
  );
}
