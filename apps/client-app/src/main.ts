import { ClientAppError, clientAppExitCodes } from './client-app-error.ts';
import type { Io } from './io.ts';
import { helpText, parseOptions } from './options.ts';

export type { Io } from './io.ts';

/**
 * The Client App: serves the page until `io.signal` aborts, or opens the one that this person runs already. Resolves to the exit code: 0 stopped,
 * opened or help, 1 could not, 2 wrong arguments, 3 port taken. Prints nothing on stdout but the help, the answer about the
 * autostart, or the one line with the address.
 */
export async function main(args: readonly string[], io: Io): Promise<number> {
  try {
    const options = parseOptions(args, io.env);
    if (options.kind === 'help') io.stdout(helpText);
    else if (options.kind === 'autostart') io.stdout((await import('./desktop/autostart.ts')).autostart(options, io));
    else await (await import('./serve-app.ts')).serveApp(options, io);
    return 0;
  } catch (error) {
    if (!(error instanceof ClientAppError)) throw error;
    io.stderr(`kanade-client: ${error.message}\n`);
    if (error.code === 'usage') io.stderr('kanade-client: --help shows the options\n');
    return clientAppExitCodes[error.code];
  }
}
