import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A page that leads on to the one with the token. Its address may stand in an argument list, which everybody can read. */
export interface HandOver extends AsyncDisposable {
  /** `file:` address for the browser. */
  readonly address: string;
}

/**
 * Writes `url` into a file that this user alone can read (0600 in a directory 0700, in the user's runtime directory where there is one).
 * Disposing removes both; idempotent.
 */
export async function writeHandOver(
  url: string,
  { env }: { readonly env: Readonly<Record<string, string | undefined>> },
): Promise<HandOver> {
  const directory = await mkdtemp(join(env.XDG_RUNTIME_DIR || tmpdir(), 'kanade-client-'));
  const path = join(directory, 'open.html');
  await writeFile(path, pageOf(url), { mode: 0o600, flag: 'wx' });
  return {
    address: pathToFileURL(path).href,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** No script: what leads on is the document itself. The address is ours, digits and base64url, and needs no escaping. */
function pageOf(url: string): string {
  const refresh = `<meta http-equiv="refresh" content="0; url=${url}">`;
  return `<!doctype html><html lang="en"><meta charset="utf-8">${refresh}<title>kanade</title><a href="${url}">kanade</a></html>\n`;
}
