import type { UnlockGrant } from '@kanade/shared/local';
import { useEffect } from 'preact/hooks';
import { useNow } from './use-now.ts';

/** The agent closes a grant by its own clock: it has certainly done so this long after the time it told, in ms. */
const certainMs = 1_000;

/** The grants that are still open; `onExpired` is called when one has gone, and with it jobs. */
export function useLiveGrants(grants: readonly UnlockGrant[], onExpired: () => void): readonly UnlockGrant[] {
  const endOf = ({ expires_at }: UnlockGrant): number => Date.parse(expires_at) + certainMs;
  const nowMs = useNow(grants.map(endOf));
  const live = grants.filter((grant) => endOf(grant) > nowMs);
  const goneCount = grants.length - live.length;
  useEffect(() => {
    if (goneCount > 0) onExpired();
  }, [goneCount]);
  return live;
}
