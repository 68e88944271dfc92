import { ClientAppError } from '../client-app-error.ts';

/** The page as three texts; one style sheet, one script, and the document that names them. */
export interface Page {
  readonly html: string;
  readonly js: string;
  readonly css: string;
  /** Version of the program, as of when it was bundled. */
  readonly version: string;
}

/** The page that the build made, or the bundler put into this program. Throws {@link ClientAppError} `page_missing` where it did not. */
export async function loadPage(): Promise<Page> {
  try {
    return (await import('#page')).page;
  } catch (cause) {
    throw new ClientAppError(
      'page_missing',
      'could not load the page: it has not been built; run the build of this package, or start the bundled program',
      { cause },
    );
  }
}
