import type { JSX } from 'preact';
import type { RunView } from '../../run/board.ts';
import type { IconName } from '../catalogue/icon-paths.ts';
import { useText } from '../text/language.ts';
import { statusWords } from '../text/words.ts';
import { Icon } from './icon.tsx';

const icons: Record<RunView['status'], IconName> = {
  queued: 'clock',
  running: 'spinner',
  completed: 'check',
  failed: 'alert-triangle',
  killed: 'stop',
  unknown: 'box',
};

export function StatusBadge({ run }: { run: Pick<RunView, 'status' | 'stopping' | 'exit_code'> }): JSX.Element {
  const text = useText();
  return (
    <span class={`status ${run.status}`}>
      <Icon name={icons[run.status]} />
      {statusWords(run, text)}
    </span>
  );
}
