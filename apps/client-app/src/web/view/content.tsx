import type { LocalNotification, UnlockGrant, UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { AgentOffers } from '../../wire/page-event.ts';
import type { Category } from '../catalogue/categories.ts';
import { HealthView } from '../health/health-view.tsx';
import { NoticesView } from '../notices/notices-view.tsx';
import { SearchView } from '../search/search-view.tsx';
import type { PageState } from '../state/page-state.ts';
import type { PageActions } from '../state/use-page.ts';
import { type View, viewHref } from '../state/use-view.ts';
import { SupportView } from '../support/support-view.tsx';
import type { Dictionary } from '../text/en.ts';
import { useText } from '../text/language.ts';
import { categoryLabel } from '../text/words.ts';
import { CategoryView } from './category-view.tsx';
import { HomeView } from './home-view.tsx';

export interface ContentProps {
  readonly state: PageState;
  readonly actions: PageActions;
  readonly view: View;
  readonly query: string;
  readonly categories: readonly Category[];
  readonly notices: readonly LocalNotification[];
  readonly grants: readonly UnlockGrant[];
  readonly unreadCount: number | undefined;
  /** The product's name, for the title. */
  readonly name: string;
  /** False while no job can be started. */
  readonly isReady: boolean;
  readonly onStart: (job: UserInvokableJob) => void;
}

/** The view that is there: one that this agent does not offer, and a category that has gone, lead home. */
export function shownView(
  view: View,
  { categories, offers }: { readonly categories: readonly Category[]; readonly offers: AgentOffers },
): View {
  const isThere =
    view.kind === 'home' ||
    view.kind === 'health' ||
    (view.kind === 'notifications' && offers.notifications) ||
    (view.kind === 'support' && (offers.support || offers.log || offers.diagnostics)) ||
    (view.kind === 'category' && categories.some(({ key }) => key === view.key));
  return isThere ? view : { kind: 'home' };
}

/** The middle of the page: what was searched for, else the view. Title and focus follow the view. */
export function Content(props: ContentProps): JSX.Element {
  const { state, query, view, isReady, onStart } = props;
  const text = useText();
  const title = titleOf(props, text);
  useFocusOn(viewHref(view));
  useEffect(() => {
    document.title = title;
  }, [title]);
  const jobs = state.jobs ?? [];
  const list = { jobs, runs: state.runs, isReady, onStart };
  return query.trim() !== '' ? (
    <SearchView query={query} age={state.age} {...list} />
  ) : (
    <Shown {...props} list={list} />
  );
}

type ListProps = Pick<ContentProps, 'isReady' | 'onStart'> & {
  readonly jobs: readonly UserInvokableJob[];
  readonly runs: PageState['runs'];
};

function Shown({ list, ...props }: ContentProps & { readonly list: ListProps }): JSX.Element {
  const { state, actions, view, categories, notices, grants, unreadCount, isReady } = props;
  switch (view.kind) {
    case 'health':
      return <HealthView snapshot={state.snapshot} {...list} />;
    case 'notifications':
      return (
        <NoticesView
          notices={notices}
          linkedId={view.id}
          isReady={isReady}
          onAcknowledge={actions.acknowledge}
          onWithdraw={actions.withdraw}
        />
      );
    case 'support':
      return (
        <SupportView
          offers={state.offers}
          grants={grants}
          isReady={isReady}
          onUnlock={actions.unlock}
          onLock={actions.lock}
          onReadLog={actions.readLog}
          diagnostics={{ onPreview: actions.previewDiagnostics, onSend: actions.sendDiagnostics }}
        />
      );
    default: {
      const category = view.kind === 'category' ? categories.find(({ key }) => key === view.key) : undefined;
      if (category) return <CategoryView {...list} category={category} age={state.age} />;
      return <HomeView state={state} categories={categories} unreadCount={unreadCount} />;
    }
  }
}

function titleOf({ view, query, categories, name }: ContentProps, text: Dictionary): string {
  if (query.trim() !== '') return `${text.foundFor(query)} · ${name}`;
  if (view.kind === 'home' || view.kind === 'job') return name;
  if (view.kind !== 'category') return `${text[view.kind]} · ${name}`;
  const category = categories.find(({ key }) => key === view.key);
  return category ? `${categoryLabel(category, text)} · ${name}` : name;
}

/** A new view begins at its top, for eyes and for the keyboard; the first one of the page does not take the focus. */
function useFocusOn(href: string): void {
  const shown = useRef(href);
  useEffect(() => {
    if (shown.current === href) return;
    shown.current = href;
    const content = document.getElementById('content');
    content?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [href]);
}
