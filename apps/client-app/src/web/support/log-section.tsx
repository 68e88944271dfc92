import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { AgentLog } from '../../wire/page-event.ts';
import { copyText, saveText } from '../api/take-away.ts';
import { useText } from '../text/language.ts';
import { CopyButton } from '../view/copy-button.tsx';
import { Icon } from '../view/icon.tsx';

export interface LogSectionProps {
  readonly isReady: boolean;
  readonly onRead: () => Promise<AgentLog>;
}

type Reading = { readonly kind: 'waiting' | 'failed' } | { readonly kind: 'read'; readonly log: AgentLog };

/** The end of the agent's log, to be handed to whoever helps. */
export function LogSection({ isReady, onRead }: LogSectionProps): JSX.Element {
  const text = useText();
  const [reading, setReading] = useState<Reading>({ kind: 'waiting' });
  const read = (): void => {
    onRead().then(
      (log) => setReading({ kind: 'read', log }),
      () => setReading({ kind: 'failed' }),
    );
  };
  useEffect(() => {
    if (isReady) read();
  }, [isReady]);
  const whole = reading.kind === 'read' ? reading.log.lines.join('\n') : '';
  return (
    <section class="panel" aria-labelledby="agent-log">
      <h3 id="agent-log">
        <Icon name="file-text" />
        {text.log}
      </h3>
      <p class="dim">{text.logText}</p>
      <div class="row">
        <button type="button" class="button quiet" aria-disabled={!isReady} onClick={isReady ? read : undefined}>
          <Icon name="refresh-cw" />
          {text.refresh}
        </button>
        <CopyButton isDisabled={whole === ''} onCopy={() => copyText(whole)} />
        <button
          type="button"
          class="button quiet"
          disabled={whole === ''}
          onClick={() => saveText([whole, '\n'], 'kanade-agent-log.txt')}
        >
          <Icon name="download" />
          {text.download}
        </button>
      </div>
      {reading.kind === 'failed' && <p role="alert">{text.logFailed}</p>}
      {reading.kind === 'waiting' && <p class="dim">{text.loadingTitle}</p>}
      {reading.kind === 'read' && <LogLines log={reading.log} />}
    </section>
  );
}

function LogLines({ log }: { log: AgentLog }): JSX.Element {
  const text = useText();
  if (log.lines.length === 0) return <p class="dim">{text.logEmpty}</p>;
  return (
    <>
      {log.truncated && <p class="dim">{text.logTruncated(log.lines.length)}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and Safari gives the keyboard no other way in */}
      <pre class="log" tabIndex={0}>
        {log.lines.join('\n')}
      </pre>
    </>
  );
}
