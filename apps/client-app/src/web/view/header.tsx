import type { UnlockGrant } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';
import type { JSX } from 'preact';
import type { PageState } from '../state/page-state.ts';
import { viewHref } from '../state/use-view.ts';
import { Countdown } from '../support/countdown.tsx';
import type { Dictionary } from '../text/en.ts';
import { useText } from '../text/language.ts';
import { Icon } from './icon.tsx';

export interface HeaderProps {
  readonly name: string;
  readonly state: PageState;
  readonly grants: readonly UnlockGrant[];
}

export function Header({ name, state, grants }: HeaderProps): JSX.Element {
  const text = useText();
  const [tone, words] = line(state, text);
  const activeCount = state.runs.filter((run) => !isEnded(run.status)).length;
  return (
    <header class="header">
      <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="9" />
        <path d="M9 13v6M16 8v16M23 11v10" />
      </svg>
      <h1>{name}</h1>
      {grants[0] && (
        <a class="support-open" href={viewHref({ kind: 'support' })}>
          <Icon name="key" />
          <span>{text.supportOpen}</span> <Countdown expires_at={grants[0].expires_at} />
        </a>
      )}
      {activeCount > 0 && (
        <button type="button" class="active-runs" onClick={showRuns}>
          {text.activeRuns(activeCount)}
        </button>
      )}
      <p class={`connection ${tone}`} role="status">
        <span class="dot" aria-hidden="true" />
        <span>{words}</span>
      </p>
    </header>
  );
}

function showRuns(): void {
  const panel = document.getElementById('runs');
  panel?.scrollIntoView();
  panel?.focus({ preventScroll: true });
}

function line(state: PageState, text: Dictionary): readonly [tone: string, words: string] {
  if (state.server === 'gone') return ['bad', text.pageStopped];
  if (state.server === 'locked') return ['bad', text.disconnected];
  if (state.server === 'starting' || state.connection.phase === 'connecting') return ['wait', text.connecting];
  return state.connection.phase === 'connected' ? ['good', text.connected] : ['bad', text.disconnected];
}
