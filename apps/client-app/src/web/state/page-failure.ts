import { ApiError } from '../api/api.ts';
import type { PageAction, PageState } from './page-state.ts';

export type PageFailure = NonNullable<PageState['failure']>;

/** What went wrong, as the page tells it. */
export function pageFailure(error: unknown): PageFailure {
  return error instanceof ApiError
    ? { code: error.code, message: error.message }
    : { code: 'unexpected', message: String(error) };
}

export function failureAction(error: unknown): PageAction {
  return { type: 'failure', failure: pageFailure(error) };
}
