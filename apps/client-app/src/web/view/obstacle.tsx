import type { JSX } from 'preact';
import type { PageState } from '../state/page-state.ts';
import type { Dictionary } from '../text/en.ts';
import { useText } from '../text/language.ts';
import { Icon } from './icon.tsx';

/** Why no job can be started now. */
export interface ObstacleInfo {
  readonly kind: 'loading' | 'away' | 'refused' | 'gone' | 'locked';
  readonly detail?: string;
}

/** The nearest obstacle on the way page → own server → agent → catalogue; undefined when there is none. */
export function obstacleOf({ server, connection, jobs }: PageState): ObstacleInfo | undefined {
  if (server === 'gone' || server === 'locked') return { kind: server };
  if (connection.phase === 'away' || connection.phase === 'refused') {
    return { kind: connection.phase, detail: connection.detail };
  }
  return server === 'starting' || connection.phase !== 'connected' || jobs === undefined
    ? { kind: 'loading' }
    : undefined;
}

/** Says what is wrong and what to do about it; `isAlone`: there is nothing else to be seen. */
export function Obstacle({ obstacle, isAlone }: { obstacle: ObstacleInfo; isAlone: boolean }): JSX.Element {
  const text = useText();
  const [title, words] = wordsOf(obstacle.kind, text);
  return (
    <section class={`obstacle box ${obstacle.kind} ${isAlone ? '' : 'beside'}`}>
      <span class="tile">
        <Icon name={obstacle.kind === 'loading' ? 'clock' : obstacle.kind === 'away' ? 'unplug' : 'alert-triangle'} />
      </span>
      <div role="status">
        <h2>{title}</h2>
        <p>{words}</p>
      </div>
      {obstacle.detail && (
        <details>
          <summary>{text.details}</summary>
          <p>{obstacle.detail}</p>
        </details>
      )}
    </section>
  );
}

function wordsOf(kind: ObstacleInfo['kind'], text: Dictionary): readonly [title: string, words: string] {
  switch (kind) {
    case 'loading':
      return [text.loadingTitle, text.loadingText];
    case 'away':
      return [text.awayTitle, text.awayText];
    case 'refused':
      return [text.refusedTitle, text.refusedText];
    case 'gone':
      return [text.goneTitle, text.goneText];
    case 'locked':
      return [text.lockedTitle, text.lockedText];
  }
}
