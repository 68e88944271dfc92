/** `kanade serve`: the jobs of a root over HTTP, until the program is asked to end. Loaded on demand. */
import { openJobs } from '@kanade/runner';
import { servePort } from '@kanade/shared/job-words';
import type { Context } from '../call/command.ts';
import { openListener } from '../listen/listener.ts';
import type { ListenGiven } from '../listen/options.ts';
import { limitsOf } from '../local/definition.ts';
import { readConfig } from '../local/settings.ts';
import { createDispatch, isPublicPath } from './dispatch.ts';
import type { Room } from './room.ts';
import { createSilence } from './silence.ts';

/** Resolves when the program was asked to end and every connection is closed; the jobs go on. Throws as `openListener` does. */
export async function serveJobs(given: ListenGiven, context: Context): Promise<string> {
  const { io, program, root, cwd } = context;
  // Before anybody is told where we are: listening for signals begins with this look.
  const { signal: asked } = io;
  const config = await readConfig(io.env, undefined);
  // The token is no business of the jobs.
  const { AGENT_EXEC_SERVE_TOKEN: _, ...env } = io.env;
  const jobs = openJobs(root, { keeper: 'process', env, limits: limitsOf(config) });
  const room: Room = { jobs, cwd, config, silence: createSilence(), unfinished: new Set() };
  {
    await using listener = await openListener({
      given,
      portDefault: servePort,
      io,
      program,
      isPublic: isPublicPath,
      answer: createDispatch(room),
    }).catch((error: Error & { code?: string }) => {
      // The contract says it twice: in the answer for programs, and in words for whoever sees the log.
      if (error.code === 'serve_unsafe_bind') io.stderr(`${program}: ${error.message}\n`);
      throw error;
    });
    if (io.isTerminal?.(2)) io.stderr(welcome(listener.url, listener.tokenFile, root));
    await endOf(asked);
  }
  await Promise.allSettled(room.unfinished);
  return '';
}

function endOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function welcome(url: string, tokenFile: string | undefined, root: string): string {
  const token = tokenFile === undefined ? '' : `, token in ${tokenFile}`;
  return `serving the jobs of ${root} at ${url}${token}; Ctrl-C ends this, not the jobs\n`;
}
