/** The old names of the keeper; they go when their callers have moved to openJobs(). */
import { createKeeper, type Keeper } from './keep/keeper.ts';
import { stopJob } from './life/stop.ts';

export type { JobsEvent as HostEvent } from './keep/keeper.ts';
export { runKeeper as runHost } from './keep/keeper-process.ts';
export { ensureKeeper as ensureHost, liveKeeper as liveHost, mark as markForCare } from './keep/markers.ts';
export { followFromNow } from './keep/watch-output.ts';
export type Host = Keeper & { readonly stop: typeof stopJob };
export const createHost = (options: { readonly root: string } & Parameters<typeof createKeeper>[0]): Host => {
  const keeper = createKeeper(options);
  return {
    adopt: keeper.adopt,
    get size() {
      return keeper.size;
    },
    [Symbol.asyncDispose]: keeper[Symbol.asyncDispose],
    stop: stopJob,
  };
};
