import type { JSX } from 'preact';
import { useSeconds } from '../state/use-now.ts';
import { useText } from '../text/language.ts';
import { countdownWords } from '../text/words.ts';

/** What is left, by the second. The agent decides by its own clock. */
export function Countdown({ expires_at }: { expires_at: string }): JSX.Element {
  const text = useText();
  const leftMs = Date.parse(expires_at) - useSeconds(true);
  return <span class="countdown">{countdownWords(leftMs, text)}</span>;
}
