/** How long nobody has to have seen a page before it leaves its stream of events, in ms. */
const unseenMs = 10_000;

/**
 * A browser keeps six connections to one server, however many tabs there are: with a stream in each, the sixth tab would wait for ever, and
 * every click in the others with it. So a page has its stream while somebody sees it, and a little longer.
 */
export interface Sight {
  /** Fires when nobody has seen the page for a while, and with `leaving`. */
  readonly signal: AbortSignal;
  /** Looks no longer. */
  end(): void;
}

/** Resolves when the page is before somebody's eyes, at once if it is, or when `leaving` fires. */
export async function whileSeen(leaving: AbortSignal): Promise<Sight> {
  await untilSeen(leaving);
  const unseen = new AbortController();
  const ended = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => unseen.abort(), unseenMs);
  };
  document.addEventListener('visibilitychange', look, { signal: ended.signal });
  leaving.addEventListener('abort', () => unseen.abort(), { signal: ended.signal });
  if (leaving.aborted) unseen.abort();
  return {
    signal: unseen.signal,
    end() {
      clearTimeout(timer);
      ended.abort();
    },
  };
}

function untilSeen(leaving: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const ended = new AbortController();
    const look = (): void => {
      if (document.hidden && !leaving.aborted) return;
      ended.abort();
      resolve();
    };
    document.addEventListener('visibilitychange', look, { signal: ended.signal });
    leaving.addEventListener('abort', look, { signal: ended.signal });
    look();
  });
}
