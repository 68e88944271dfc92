import { exchangeToken } from './api.ts';

const storageName = 'kanade.key';

/**
 * The key of this page's session. A token in the address is traded for one and removed from the address bar; a
 * reloaded page, or another tab of the same browser, takes the stored one. Undefined when there is neither. Rejects
 * with `ApiError` when the token is not good and nothing is stored.
 *
 * Web storage and not a cookie: cookies are shared by all ports of 127.0.0.1, also those of other users' programs.
 */
export async function obtainKey(): Promise<string | undefined> {
  const stored = localStorage.getItem(storageName) ?? undefined;
  const [, token, rest] = /^#token=([\w-]+)(?:&(.*))?$/.exec(location.hash) ?? [];
  if (token === undefined) return stored;
  // What stands behind the token is a link into the page.
  history.replaceState(null, '', `${location.pathname}${location.search}${rest ? `#${rest}` : ''}`);
  const key = await exchangeToken(token).catch((error: unknown) => {
    // The same address opened once more in this browser: the session it began goes on.
    if (stored !== undefined) return stored;
    throw error;
  });
  localStorage.setItem(storageName, key);
  return key;
}

/** Forgets a key that the server no longer takes. */
export function forgetKey(): void {
  localStorage.removeItem(storageName);
}
