import type { UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { currentNotices, expiriesOf } from '../run/notices.ts';
import { groupByCategory } from './catalogue/categories.ts';
import { isUnread } from './notices/reading.ts';
import { Announcer } from './runs/announcer.tsx';
import { RunPanel } from './runs/run-panel.tsx';
import { SearchField } from './search/search-field.tsx';
import { useLinkedJob } from './state/use-linked-job.ts';
import { useLiveGrants } from './state/use-live-grants.ts';
import { useNow } from './state/use-now.ts';
import { usePage } from './state/use-page.ts';
import { useView } from './state/use-view.ts';
import { useText } from './text/language.ts';
import { ConfirmDialog } from './view/confirm-dialog.tsx';
import { Content, shownView } from './view/content.tsx';
import { FailureNote } from './view/failure-note.tsx';
import { Header } from './view/header.tsx';
import { Obstacle, obstacleOf } from './view/obstacle.tsx';
import { Sidebar } from './view/sidebar.tsx';

export function App({ sessionKey }: { sessionKey: string | undefined }): JSX.Element {
  const [state, actions] = usePage(sessionKey);
  const [asking, setAsking] = useState<UserInvokableJob>();
  const [query, setQuery] = useState('');
  const text = useText();
  const asked = useView();
  const categories = useMemo(() => groupByCategory(state.jobs ?? []), [state.jobs]);
  const notices = currentNotices(state.notices, useNow(expiriesOf(state.notices)));
  const grants = useLiveGrants(state.grants, actions.refreshJobs);
  const view = shownView(asked, { categories, offers: state.offers });
  const name = agentName(state.connection) ?? text.productName;
  const obstacle = obstacleOf(state);
  const unreadCount = state.offers.notifications ? notices.filter(isUnread).length : undefined;
  useEffect(() => setQuery(''), [asked]);
  useLinkedJob(asked, state.jobs, { onFound: setAsking, onMissing: () => actions.fail('no_such_job') });
  const start = (job: UserInvokableJob): void => {
    if (job.confirm?.enabled === false) void actions.start(job.id);
    else setAsking(job);
  };
  const answer = (job: UserInvokableJob, isWanted: boolean): void => {
    // A link may ask for another job in the moment in which this dialog closes.
    setAsking((current) => (current === job ? undefined : current));
    if (isWanted) void actions.start(job.id);
  };
  return (
    <div class="page">
      <button type="button" class="skip button strong" onClick={focusContent}>
        {text.skipToContent}
      </button>
      <Header name={name} state={state} grants={grants} />
      <Sidebar
        categories={categories}
        view={query.trim() === '' ? view : undefined}
        unreadCount={unreadCount}
        hasSupport={state.offers.support || state.offers.log || state.offers.diagnostics}
        onGo={() => setQuery('')}
      >
        <SearchField query={query} onQuery={setQuery} />
      </Sidebar>
      <main class="content" id="content" tabIndex={-1}>
        {state.failure && <FailureNote failure={state.failure} onDismiss={actions.dismissFailure} />}
        {obstacle && <Obstacle obstacle={obstacle} isAlone={!state.jobs} />}
        {state.jobs && (
          <Content
            {...{ state, actions, view, query, categories, notices, grants, unreadCount, name }}
            isReady={!obstacle}
            onStart={start}
          />
        )}
      </main>
      {state.runs.length > 0 && (
        <RunPanel runs={state.runs} jobs={state.jobs ?? []} isReady={!obstacle} actions={actions} />
      )}
      {asking && <ConfirmDialog key={asking.id} job={asking} onAnswer={(isWanted) => answer(asking, isWanted)} />}
      <Announcer runs={state.runs} jobs={state.jobs ?? []} />
    </div>
  );
}

function agentName(connection: ReturnType<typeof usePage>[0]['connection']): string | undefined {
  return connection.phase === 'connected' ? connection.agent.displayName : undefined;
}

/** No link: the fragment holds the view. */
function focusContent(): void {
  document.getElementById('content')?.focus();
}
