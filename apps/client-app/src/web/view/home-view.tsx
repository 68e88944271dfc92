import type { JSX } from 'preact';
import type { Category } from '../catalogue/categories.ts';
import { headlineOf } from '../health/health.ts';
import { checkIcons, healthWords } from '../health/health-view.tsx';
import type { PageState } from '../state/page-state.ts';
import { viewHref } from '../state/use-view.ts';
import type { Dictionary } from '../text/en.ts';
import { type Language, useLanguage, useText } from '../text/language.ts';
import { categoryLabel, instantWords } from '../text/words.ts';
import { EmptyState } from './empty-state.tsx';
import { GivenIcon, Icon } from './icon.tsx';

export interface HomeViewProps {
  readonly state: PageState;
  readonly categories: readonly Category[];
  /** Undefined where the agent knows no notifications. */
  readonly unreadCount: number | undefined;
}

export function HomeView({ state, categories, unreadCount }: HomeViewProps): JSX.Element {
  const text = useText();
  return (
    <section class="home" aria-labelledby="view-title">
      <h2 id="view-title">{text.welcome}</h2>
      <p class="lead">{text.welcomeText}</p>
      <ul class="states">
        <HealthState state={state} />
        {unreadCount !== undefined && <NoticesState unreadCount={unreadCount} />}
      </ul>
      {categories.length === 0 && (
        <EmptyState icon="box" title={text.noJobsTitle}>
          {text.noJobsText}
        </EmptyState>
      )}
      <ul class="cards">
        {categories.map((category) => (
          <li key={category.key}>
            <a class="card box raised" href={viewHref({ kind: 'category', key: category.key })}>
              <span class="tile">
                <GivenIcon icon={category.icon} />
              </span>
              <span class="card-title">{categoryLabel(category, text)}</span>
              <span class="dim">{text.jobsReady(category.jobs.length)}</span>
            </a>
          </li>
        ))}
      </ul>
      <MachineFacts state={state} />
    </section>
  );
}

function HealthState({ state }: { state: PageState }): JSX.Element {
  const text = useText();
  const checks = state.snapshot?.checks ?? [];
  const headline = headlineOf(checks);
  return (
    <li>
      <a class={`state entry box raised ${headline}`} href={viewHref({ kind: 'health' })}>
        <span class="tile">
          <Icon name={checkIcons[headline]} />
        </span>
        <span class="words">
          <span class="dim">{text.health}</span>
          <span class="state-words">{healthWords(checks, text)}</span>
        </span>
      </a>
    </li>
  );
}

function NoticesState({ unreadCount }: { unreadCount: number }): JSX.Element {
  const text = useText();
  return (
    <li>
      <a
        class={`state entry box raised ${unreadCount > 0 ? 'news' : 'quiet'}`}
        href={viewHref({ kind: 'notifications' })}
      >
        <span class="tile">
          <Icon name="bell" />
        </span>
        <span class="words">
          <span class="dim">{text.notifications}</span>
          <span class="state-words">{unreadCount > 0 ? text.unreadCount(unreadCount) : text.noUnread}</span>
        </span>
      </a>
    </li>
  );
}

function MachineFacts({ state }: { state: PageState }): JSX.Element | null {
  const text = useText();
  const language = useLanguage();
  const { connection, snapshot } = state;
  if (connection.phase !== 'connected') return null;
  const facts: [string, string][] = [
    [text.computerName, connection.agent.pcId],
    [text.signedInAs, connection.agent.user],
    [text.agentVersion, connection.agent.version],
  ];
  if (snapshot) facts.push([text.fleet, fleetWords(state, { text, language })]);
  return (
    <section class="machine box" aria-labelledby="machine-title">
      <h3 id="machine-title">
        <Icon name="monitor" />
        {text.thisComputer}
      </h3>
      <dl>
        {facts.map(([term, fact]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{fact}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Whether the fleet can be asked; where it cannot, how old the jobs are. */
function fleetWords(
  { snapshot, age }: PageState,
  { text, language }: { readonly text: Dictionary; readonly language: Language },
): string {
  if (age?.asOf !== undefined) return text.fleetAsOf(instantWords(age.asOf, language));
  return snapshot?.online && !age ? text.fleetOnline : text.fleetOffline;
}
