import type { UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { groupByCategory } from './catalogue/categories.ts';
import { usePage } from './state/use-page.ts';
import { useView } from './state/use-view.ts';
import { useText } from './text/language.ts';
import { Announcer } from './view/announcer.tsx';
import { CategoryView } from './view/category-view.tsx';
import { ConfirmDialog } from './view/confirm-dialog.tsx';
import { FailureNote } from './view/failure-note.tsx';
import { Header } from './view/header.tsx';
import { HomeView } from './view/home-view.tsx';
import { Obstacle, obstacleOf } from './view/obstacle.tsx';
import { RunPanel } from './view/run-panel.tsx';
import { Sidebar } from './view/sidebar.tsx';

export function App({ sessionKey }: { sessionKey: string | undefined }): JSX.Element {
  const [state, actions] = usePage(sessionKey);
  const [asking, setAsking] = useState<UserInvokableJob>();
  const text = useText();
  const view = useView();
  const categories = useMemo(() => groupByCategory(state.jobs ?? []), [state.jobs]);
  const names = useMemo(() => new Map(state.jobs?.map((job) => [job.id, job.display_name])), [state.jobs]);
  const name = agentName(state.connection) ?? text.productName;
  useEffect(() => {
    document.title = name;
  }, [name]);

  const obstacle = obstacleOf(state);
  const category = view.kind === 'category' ? categories.find((one) => one.key === view.key) : undefined;
  const start = (job: UserInvokableJob): void => {
    if (job.confirm?.enabled === false) void actions.start(job.id);
    else setAsking(job);
  };
  return (
    <div class="page">
      <button type="button" class="skip button strong" onClick={focusContent}>
        {text.skipToContent}
      </button>
      <Header name={name} state={state} />
      <Sidebar categories={categories} view={category ? view : { kind: 'home' }} />
      <main class="content" id="content" tabIndex={-1}>
        {state.failure && <FailureNote failure={state.failure} onDismiss={actions.dismissFailure} />}
        {obstacle && <Obstacle obstacle={obstacle} />}
        {category ? (
          <CategoryView category={category} runs={state.runs} isReady={!obstacle} onStart={start} />
        ) : (
          state.jobs && <HomeView state={state} categories={categories} />
        )}
      </main>
      <RunPanel runs={state.runs} names={names} onStop={actions.stop} />
      {asking && (
        <ConfirmDialog
          job={asking}
          onAnswer={(isWanted) => {
            setAsking(undefined);
            if (isWanted) void actions.start(asking.id);
          }}
        />
      )}
      <Announcer runs={state.runs} names={names} />
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
