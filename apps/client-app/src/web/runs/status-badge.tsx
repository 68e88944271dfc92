import type { JSX } from 'preact';
import type { RunView } from '../../run/runs.ts';
import type { IconName } from '../catalogue/icon-paths.ts';
import { useText } from '../text/language.ts';
import { statusWords, toldStatus } from '../text/words.ts';
import { Icon } from '../view/icon.tsx';

const icons: Record<ReturnType<typeof toldStatus>, IconName> = {
  queued: 'clock',
  running: 'spinner',
  completed: 'check',
  failed: 'alert-triangle',
  killed: 'stop',
  skipped: 'x',
  unknown: 'help',
};

export function StatusBadge({
  run,
}: {
  run: Pick<RunView, 'status' | 'stopping' | 'exit_code' | 'skipped'>;
}): JSX.Element {
  const text = useText();
  const status = toldStatus(run);
  return (
    <span class={`status ${status}`}>
      <Icon name={icons[status]} />
      {statusWords(run, text)}
    </span>
  );
}
