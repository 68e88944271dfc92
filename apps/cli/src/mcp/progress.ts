import type { ServerContext } from '@modelcontextprotocol/server';
import type { Waiting } from '../call/command.ts';
import type { OnWaiting } from '../door/waiting.ts';

/** How often who waits is told how it stands, in ms: many clients give up a minute after they heard of nothing. */
const everyMs = 2_000;

/** When it is told first, in ms: most calls are over by then. */
const firstMs = 250;

/** Tells a client that asked for it how a call stands while it waits: seconds, and what the job has printed. One notification is on its way at a time. */
export function createProgress({ mcpReq: { _meta, notify } }: ServerContext): { onWaiting: OnWaiting; stop(): void } {
  const progressToken = _meta?.progressToken;
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => clearTimeout(timer);
  if (progressToken === undefined) return { onWaiting: undefined, stop };
  const startedMs = performance.now();
  let isOver = false;
  const next = (waiting: Waiting, afterMs = everyMs): void => {
    timer = setTimeout(() => void tell(waiting), afterMs);
  };
  const tell = async ({ what, how }: Waiting): Promise<void> => {
    const progress = Math.round((performance.now() - startedMs) / 1000);
    try {
      await notify({
        method: 'notifications/progress',
        params: { progressToken, progress, message: `${what}: ${how()}` },
      });
      if (!isOver) next({ what, how });
    } catch {
      // the job is gone or the client is: the answer says so
    }
  };
  return {
    onWaiting: (waiting) => next(waiting, firstMs),
    stop() {
      isOver = true;
      stop();
    },
  };
}
