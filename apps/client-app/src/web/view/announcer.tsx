import type { JSX } from 'preact';
import { inReadingOrder, type RunView } from '../../run/board.ts';
import { useText } from '../text/language.ts';
import { statusWords } from '../text/words.ts';
import { nameOf } from './run-panel.tsx';

/** Tells screen readers how runs change; their output, which may come many times a second, is read on demand. */
export function Announcer({
  runs,
  names,
}: {
  runs: readonly RunView[];
  names: ReadonlyMap<string, string>;
}): JSX.Element {
  const text = useText();
  return (
    <ul class="visually-hidden" aria-live="polite" aria-relevant="additions text">
      {inReadingOrder(runs).map((run) => (
        <li key={run.run_id}>{text.announceRun(nameOf(run, names), statusWords(run, text))}</li>
      ))}
    </ul>
  );
}
