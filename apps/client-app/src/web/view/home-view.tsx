import type { JSX } from 'preact';
import type { Category } from '../catalogue/categories.ts';
import type { PageState } from '../state/page-state.ts';
import { viewHref } from '../state/use-view.ts';
import { useText } from '../text/language.ts';
import { categoryLabel } from '../text/words.ts';
import { GivenIcon, Icon } from './icon.tsx';

export function HomeView({ state, categories }: { state: PageState; categories: readonly Category[] }): JSX.Element {
  const text = useText();
  return (
    <section class="home" aria-labelledby="home-title">
      <h2 id="home-title">{categories.length > 0 ? text.welcome : text.noJobsTitle}</h2>
      <p class="lead">{categories.length > 0 ? text.welcomeText : text.noJobsText}</p>
      <ul class="cards">
        {categories.map((category) => (
          <li key={category.key}>
            <a class="card" href={viewHref({ kind: 'category', key: category.key })}>
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

function MachineFacts({ state }: { state: PageState }): JSX.Element | null {
  const text = useText();
  const { connection, snapshot } = state;
  if (connection.phase !== 'connected') return null;
  const facts: [string, string][] = [
    [text.computerName, connection.agent.pcId],
    [text.signedInAs, connection.agent.user],
    [text.agentVersion, connection.agent.version],
  ];
  if (snapshot) facts.push([text.fleet, snapshot.online ? text.fleetOnline : text.fleetOffline]);
  return (
    <section class="machine" aria-labelledby="machine-title">
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
