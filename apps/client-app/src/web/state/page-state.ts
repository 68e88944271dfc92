import type { StateSnapshot, UserInvokableJob } from '@kanade/shared/local';
import type { Run } from '../../run/run.ts';
import { foldRuns } from '../../run/run-list.ts';
import type { Connection, PageEvent } from '../../wire/page-event.ts';

/** Everything the page draws from. */
export interface PageState {
  /** The page's own server: `starting` until the first event, `gone` when it stopped, `locked` when it wants a new address. */
  readonly server: 'starting' | 'open' | 'gone' | 'locked';
  readonly connection: Connection;
  readonly snapshot?: StateSnapshot;
  readonly runs: readonly Run[];
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
  if (action.type === 'server') return { ...state, server: action.server };
  if (action.type === 'jobs') return { ...state, jobs: action.jobs };
  if (action.type === 'failure') return { ...state, failure: action.failure };
  return { ...reduceEvent(state, action.event), server: 'open' };
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
