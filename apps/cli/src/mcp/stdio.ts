/** `kanade mcp` on standard input and output: one client, until it leaves. Loaded on demand: nobody else pays for the protocol. */
import { openJobs } from '@kanade/runner';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Context } from '../call/command.ts';
import { createJobsServer } from './jobs-server.ts';
import { createLineTransport } from './line-transport.ts';
import { createListens, withListens } from './listens.ts';
import { createLogWatches } from './log-resources.ts';
import type { UntilRule } from './until.ts';

/** How long a client that has closed its end may still get answers, in ms. What then waits is given up; jobs go on. */
const leaveMs = 2_000;

/** Serves until the client leaves or the program is asked to end. */
export async function serveOnStdio({ root, cwd, io, program }: Context, rule: UntilRule): Promise<void> {
  await using jobs = openJobs(root, { keeper: 'process', env: io.env });
  if (!io.stdin || !io.stdoutStream) throw new Error('there is no standard input or output to serve on');
  if (io.isTerminal?.(1))
    io.stderr(`${program} mcp speaks with programs here: docs/guide/mcp.md says how they are set up\n`);
  const transport = createLineTransport(io.stdin(), io.stdoutStream());
  let tell = (_uri: string): void => undefined;
  const watches = createLogWatches(jobs, (uri) => tell(uri));
  const handle = serveStdio(
    ({ era }) => {
      const server = createJobsServer({
        jobs,
        cwd,
        io,
        rule,
        era,
        turn: ({ mcpReq: { id, signal } }) => transport.turn(id, signal),
        follow: watches,
      });
      tell = (uri) => void server.sendResourceUpdated({ uri }).catch(() => undefined);
      return server;
    },
    {
      transport: withListens(transport, createListens(watches)),
      onerror: (error) => io.stderr(`kanade mcp: ${error.message}\n`),
    },
  );
  const asked = Promise.withResolvers<void>();
  io.signal.addEventListener('abort', () => asked.resolve(), { once: true });
  await Promise.race([transport.left, asked.promise]);
  if (!io.signal.aborted) {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, leaveMs);
    await Promise.race([transport.answered(), late.promise, asked.promise]);
    clearTimeout(timer);
  }
  watches.close();
  await handle.close();
}
