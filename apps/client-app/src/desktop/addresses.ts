/* Addresses of the page, each for one browser, and the files in which they reach it. */
import type { Session } from '../server/session.ts';
import { type HandOver, writeHandOver } from './hand-over.ts';

export interface Addresses extends AsyncDisposable {
  /** A new address, good for one browser. */
  issue(): string;
  /** A new address and, for a browser that is opened with it, a file of this user that leads there; the file goes when the address was used. */
  issueFile(): Promise<{ readonly url: string; readonly file: string }>;
}

/** Disposing removes the files of addresses that nobody has used. */
export function createAddresses(
  origin: string,
  { session, env }: { readonly session: Session; readonly env: Readonly<Record<string, string | undefined>> },
): Addresses {
  const files = new Set<HandOver>();
  const remove = async (file: HandOver): Promise<void> => {
    files.delete(file);
    await file[Symbol.asyncDispose]();
  };
  const urlOf = (token: string): string => `${origin}/#token=${token}`;
  return {
    issue: () => urlOf(session.issue().token),
    async issueFile() {
      const { token, used } = session.issue();
      const handOver = await writeHandOver(urlOf(token), { env });
      files.add(handOver);
      void used.then(() => remove(handOver));
      return { url: urlOf(token), file: handOver.address };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...files].map(remove));
    },
  };
}
