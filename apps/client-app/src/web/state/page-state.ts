import type { UserInvokableJob } from '@kanade/shared/local';
import { type BoardView, emptyBoard, foldBoard, type PageEvent } from '../../run/board.ts';
import type { JobsOffered } from '../../wire/page-event.ts';

/** Everything the page draws from. */
export interface PageState extends BoardView {
  /** The page's own server: `starting` until the first event, `gone` when it stopped, `locked` when it wants a new address. */
  readonly server: 'starting' | 'open' | 'gone' | 'locked';
  /** Undefined until the agent has listed them once. */
  readonly jobs?: readonly UserInvokableJob[];
  /** How old they are; undefined while the fleet can be asked. */
  readonly age?: CatalogueAge | undefined;
  /** Why the last thing the reader asked for did not happen. */
  readonly failure?: { readonly code: string; readonly message: string } | undefined;
}

/** The jobs stand as the fleet last said; `asOf`: when that was, undefined for a machine that has not heard of it yet. */
export interface CatalogueAge {
  readonly asOf: string | undefined;
}

export type PageAction =
  | { readonly type: 'event'; readonly event: PageEvent }
  | { readonly type: 'server'; readonly server: PageState['server'] }
  | { readonly type: 'jobs'; readonly offered: JobsOffered }
  | { readonly type: 'failure'; readonly failure: PageState['failure'] };

export const startState: PageState = { ...emptyBoard, server: 'starting' };

export function reducePage(state: PageState, action: PageAction): PageState {
  const next = reduce(state, action);
  return isOutdated(state, next) ? { ...next, failure: undefined } : next;
}

function reduce(state: PageState, action: PageAction): PageState {
  if (action.type === 'server') return { ...state, server: action.server };
  if (action.type === 'jobs') return { ...state, ...catalogueOf(action.offered) };
  if (action.type === 'failure') return { ...state, failure: action.failure };
  return { ...state, ...foldBoard(state, action.event), server: 'open' };
}

function catalogueOf({ items, offline, as_of }: JobsOffered): Pick<PageState, 'jobs' | 'age'> {
  return { jobs: items, age: offline === true ? { asOf: as_of } : undefined };
}

/** That somebody could not be reached is said once: the page shows for itself that he is away, and it is no news when he is back. */
function isOutdated(before: PageState, { failure, connection, server }: PageState): boolean {
  if (failure?.code === 'gone') return server === 'gone' || (server === 'open' && before.server !== 'open');
  if (failure?.code !== 'away' && failure?.code !== 'refused') return false;
  return connection !== before.connection || connection.phase === 'away' || connection.phase === 'refused';
}

/**
 * Changes when the catalogue has to be read again: when the agent says so, on every new connection, of the agent and of its machine, when a
 * run ends, when a check or a support code opens or hides jobs.
 */
export function catalogueVersion({ server, connection, runs, snapshot, grants, offeredCount }: PageState): string {
  const endedCount = runs.filter((run) => run.finished_at !== undefined).length;
  const checks = snapshot?.checks.map(({ name, status }) => `${name}=${status}`).join() ?? '';
  const scopes = grants.map(({ scope }) => scope).join();
  return [server, connection.phase, snapshot?.online, offeredCount, endedCount, checks, scopes].join('/');
}
