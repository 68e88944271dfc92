import type { Check, StateSnapshot, UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import type { RunView } from '../../run/runs.ts';
import type { IconName } from '../catalogue/icon-paths.ts';
import type { Dictionary } from '../text/en.ts';
import { useText } from '../text/language.ts';
import { Icon } from '../view/icon.tsx';
import { RunButton } from '../view/run-button.tsx';
import { countsOf, headlineOf, pendingVersion, shownChecks } from './health.ts';

export interface HealthViewProps {
  readonly snapshot: StateSnapshot | undefined;
  readonly jobs: readonly UserInvokableJob[];
  readonly runs: readonly RunView[];
  /** False while no job can be started. */
  readonly isReady: boolean;
  readonly onStart: (job: UserInvokableJob) => void;
}

export const checkIcons: Record<Check['status'], IconName> = {
  ok: 'check',
  warn: 'alert-triangle',
  fail: 'x',
  unknown: 'help',
};

export function HealthView({ snapshot, jobs, runs, isReady, onStart }: HealthViewProps): JSX.Element {
  const text = useText();
  const checks = snapshot?.checks ?? [];
  const shown = shownChecks(checks);
  return (
    <section aria-labelledby="view-title">
      <h2 id="view-title">{text.health}</h2>
      <HealthHeadline checks={checks} />
      {snapshot && <Versions snapshot={snapshot} />}
      {shown.length > 0 && (
        <ul class="list box raised">
          {shown.map((check) => (
            <CheckRow
              key={check.name}
              check={check}
              repair={jobs.find(({ id }) => id === check.troubleshoot)}
              runs={runs}
              isReady={isReady}
              onStart={onStart}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

/** The one sentence, and how many checks stand behind it. */
function HealthHeadline({ checks }: { checks: readonly Check[] }): JSX.Element {
  const text = useText();
  const headline = headlineOf(checks);
  return (
    <div class={`headline box raised ${headline}`} role="status">
      <span class="tile">
        <Icon name={checkIcons[headline]} />
      </span>
      <div>
        <p class="headline-words">{healthWords(checks, text)}</p>
        <ul class="chips">
          {countsOf(checks).map(([status, count]) => (
            <li key={status} class={`chip ${status}`}>
              <Icon name={checkIcons[status]} />
              {`${text[`check_${status}`]} ${count}`}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

/** What the checks say as a whole, in one sentence. */
export function healthWords(checks: readonly Check[], text: Dictionary): string {
  return shownChecks(checks).length === 0 ? text.healthNone : text[`health_${headlineOf(checks)}`];
}

function Versions({ snapshot }: { snapshot: StateSnapshot }): JSX.Element {
  const text = useText();
  const pending = pendingVersion(snapshot);
  return (
    <p class="versions dim">
      <span>{`${text.agentVersion} ${snapshot.agent_version}`}</span>
      <span>{`${text.fleet}: ${snapshot.online ? text.online : text.offline}`}</span>
      {pending !== undefined && <span class="pending">{text.updatePending(pending)}</span>}
    </p>
  );
}

interface CheckRowProps extends Pick<HealthViewProps, 'runs' | 'isReady' | 'onStart'> {
  readonly check: Check;
  readonly repair: UserInvokableJob | undefined;
}

function CheckRow({ check, repair, runs, isReady, onStart }: CheckRowProps): JSX.Element {
  const text = useText();
  return (
    <li class={`check entry ${check.status}`}>
      <span class="tile">
        <Icon name={checkIcons[check.status]} />
      </span>
      <div class="words">
        <h3>{check.label || check.name}</h3>
        <p class="check-status">{text[`check_${check.status}`]}</p>
        {check.detail && <p class="dim">{check.detail}</p>}
      </div>
      {repair && check.status !== 'ok' && (
        <RunButton
          job={repair}
          runs={runs}
          isReady={isReady}
          words={text.repair}
          label={text.repairNamed(repair.display_name)}
          onStart={() => onStart(repair)}
        />
      )}
    </li>
  );
}
