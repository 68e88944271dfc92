/** Calls back when the page comes before somebody's eyes again, or its machine out of a sleep, until the returned function is called. */
export function onReturn(listener: () => void): () => void {
  const leaving = new AbortController();
  const { signal } = leaving;
  document.addEventListener('visibilitychange', () => document.hidden || listener(), { signal });
  document.addEventListener('resume', listener, { signal });
  addEventListener('online', listener, { signal });
  return () => leaving.abort();
}
