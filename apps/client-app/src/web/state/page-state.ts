import type { StateSnapshot, UserInvokableJob } from '@kanade/shared/local';
import { foldRuns, type PageEvent, type RunView } from '../../run/board.ts';
import type { AgentConnection } from '../../wire/page-event.ts';

/** Everything the page draws from. */
export interface PageState {
  /** The page's own server: `starting` until the first event, `gone` when it stopped, `locked` when it wants a new address. */
  readonly server: 'starting' | 'open' | 'gone' | 'locked';
  readonly connection: AgentConnection;
  readonly snapshot?: StateSnapshot;
  readonly runs: readonly RunView[];
  /** Undefined until the agent has listed them once. */
  readonly jobs?: readonly UserInvokableJob[];
  /** Why the last thing the reader asked for did not happen. */
  readonly failure?: { readonly code: string; readonly message: string };
}

export type PageAction =
  | { readonly type: 'event'; readonly event: PageEvent }
  | { readonly type: 'server'; readonly server: PageState['server'] }
  | { readonly type: 'jobs'; readonly jobs: readonly UserInvokableJob[] }
  | { readonly type: 'failure'; readonly failure: PageState['failure'] };

export const startState: PageState = { server: 'starting', connection: { phase: 'connecting' }, runs: [] };

export function reducePage(state: PageState, action: PageAction): PageState {
  const next = reduce(state, action);
  return isOutdated(state, next) ? { ...next, failure: undefined } : next;
}

function reduce(state: PageState, action: PageAction): PageState {
  if (action.type === 'server') return { ...state, server: action.server };
  if (action.type === 'jobs') return { ...state, jobs: action.jobs };
  if (action.type === 'failure') return { ...state, failure: action.failure };
  return { ...reduceEvent(state, action.event), server: 'open' };
}

/** That somebody could not be reached is said once: the page shows for itself that he is away, and it is no news when he is back. */
function isOutdated(before: PageState, { failure, connection, server }: PageState): boolean {
  if (failure?.code === 'gone') return server === 'gone' || (server === 'open' && before.server !== 'open');
  if (failure?.code !== 'away' && failure?.code !== 'refused') return false;
  return connection !== before.connection || connection.phase === 'away' || connection.phase === 'refused';
}

function reduceEvent(state: PageState, event: PageEvent): PageState {
  const next = { ...state, runs: foldRuns(state.runs, event) };
  if (event.type === 'all') return { ...next, connection: event.connection, snapshot: event.snapshot };
  if (event.type === 'connection') return { ...next, connection: event.connection };
  return event.type === 'snapshot' ? { ...next, snapshot: event.snapshot } : next;
}

/** Changes when the catalogue has to be read again: on every new connection, and when a run ends. */
export function catalogueVersion(state: PageState): string {
  const endedCount = state.runs.filter((run) => run.finished_at !== undefined).length;
  return `${state.server}/${state.connection.phase}/${endedCount}`;
}
