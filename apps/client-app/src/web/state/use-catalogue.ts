import { useEffect, useRef, useState } from 'preact/hooks';
import type { Api } from '../api/api.ts';
import { onReturn } from './on-return.ts';
import { failureAction } from './page-failure.ts';
import { catalogueVersion, type PageAction, type PageState } from './page-state.ts';

/** Waits of a list that is about to be right, in ms: doubled from the first to the last. */
const soonMs = { first: 500, last: 30_000 };

/** Keeps the catalogue current: reads it again whenever something changed that it follows from, and when somebody comes back to the page. */
export function useCatalogue(api: Api | undefined, state: PageState, dispatch: (action: PageAction) => void): void {
  const [asked, setAsked] = useState(0);
  const again = (): void => setAsked((count) => count + 1);
  const version = catalogueVersion(state);
  useEffect(() => {
    if (!api || state.connection.phase !== 'connected') return;
    const leaving = new AbortController();
    const { signal } = leaving;
    api.listJobs({ signal }).then(
      (offered) => dispatch({ type: 'jobs', offered }),
      (error) => signal.aborted || dispatch(failureAction(error)),
    );
    return () => leaving.abort();
  }, [api, version, asked]);
  useEffect(() => onReturn(again), []);
  useSoon(state.age !== undefined && state.snapshot?.online === true, state.jobs, again);
}

/** The machine has its fleet again and has not read everything yet: nobody tells when it has. */
function useSoon(isExpected: boolean, jobs: PageState['jobs'], again: () => void): void {
  const waitMs = useRef(soonMs.first);
  useEffect(() => {
    if (!isExpected) {
      waitMs.current = soonMs.first;
      return;
    }
    const timer = setTimeout(again, waitMs.current);
    waitMs.current = Math.min(waitMs.current * 2, soonMs.last);
    return () => clearTimeout(timer);
  }, [isExpected, jobs]);
}
