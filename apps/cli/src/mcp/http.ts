/** `kanade mcp --http`: the same server for any number of clients, over streamable HTTP behind the one listener. Loaded on demand. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { openJobs } from '@kanade/runner';
import { mcpPort } from '@kanade/shared/job-words';
import { createMcpHandler, type McpHttpHandler, PARSE_ERROR } from '@modelcontextprotocol/server';
import { Failure } from '../answer/answer.ts';
import type { Context } from '../call/command.ts';
import { readJson } from '../listen/body.ts';
import { type Exchange, openListener, sendJson } from '../listen/listener.ts';
import type { ListenGiven } from '../listen/options.ts';
import { createAnswerSlots } from './answer-slots.ts';
import { createJobsServer } from './jobs-server.ts';
import { createListens, type Listens } from './listens.ts';
import { createLogWatches } from './log-resources.ts';
import type { UntilRule } from './until.ts';

/** Where the protocol is spoken. */
const path = '/mcp';

/** Serves until the program is asked to end; the jobs go on. Throws as `openListener` does. */
export async function serveOnHttp(given: ListenGiven, context: Context, rule: UntilRule): Promise<void> {
  const { root, cwd, io, program } = context;
  // Before anybody is told where we are: listening for signals begins with this look.
  const { signal: asked } = io;
  // The token is no business of the jobs.
  const { AGENT_EXEC_SERVE_TOKEN: _, ...env } = io.env;
  await using jobs = openJobs(root, { keeper: 'process', env });
  const answering = new AsyncLocalStorage<ServerResponse>();
  const slots = createAnswerSlots();
  const handler = createMcpHandler(({ era }) => {
    const response = answering.getStore();
    return createJobsServer({
      jobs,
      cwd,
      io,
      rule,
      era,
      async turn({ mcpReq: { signal } }) {
        const gone = await slots.take(signal);
        if (!response || response.closed) gone();
        else response.once('close', gone);
      },
      // A connection of 2025-11-25 ends with its answer: nobody could be told.
      follow: era === 'modern' ? watches : undefined,
    });
  });
  const watches = createLogWatches(jobs, (uri) => handler.notify.resourceUpdated(uri));
  const listens = createListens(watches);
  {
    await using listener = await openListener({
      given,
      portDefault: mcpPort,
      io,
      program,
      isPublic: () => false,
      answer: (exchange) => answering.run(exchange.response, () => answerOn(handler, listens, exchange)),
    });
    if (io.isTerminal?.(2)) io.stderr(welcome(`${listener.url}${path}`, listener.tokenFile));
    if (!asked.aborted) await once(asked, 'abort');
  }
  watches.close();
  await handler.close();
}

function welcome(url: string, tokenFile: string | undefined): string {
  const token = tokenFile === undefined ? '' : `, token in ${tokenFile}`;
  return `MCP at ${url}${token}; Ctrl-C ends this, not the jobs\n`;
}

/** One request: from Node to the web's words and back. */
async function answerOn(handler: McpHttpHandler, listens: Listens, exchange: Exchange): Promise<void> {
  const { request, response, signal, limits } = exchange;
  if (exchange.path !== path) throw new Failure('unknown_route', `the protocol is spoken at ${path} alone`);
  const init = { method: request.method ?? 'GET', headers: headersOf(request.headers), signal };
  const url = `http://${request.headers.host}${path}`;
  if (request.method !== 'POST') return send(await handler.fetch(new Request(url, init)), response);
  let parsedBody: unknown;
  try {
    parsedBody = await readJson(request, response, limits.bodyBytesMax);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'invalid_request') throw error;
    return sendJson(response, 400, { jsonrpc: '2.0', id: null, error: { code: PARSE_ERROR, message: error.message } });
  }
  const answer = handler.fetch(new Request(url, init), { parsedBody });
  listens.join(response, parsedBody);
  response.once('close', () => listens.leave(response));
  return send(await answer, response);
}

function headersOf(given: Exchange['request']['headers']): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    for (const text of Array.isArray(value) ? value : [value]) if (text !== undefined) headers.append(name, text);
  }
  return headers;
}

/** Takes of the body what the client takes. */
async function send(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), 'cache-control': 'no-store' });
  response.flushHeaders();
  const reader = answer.body?.getReader();
  const gone = (): void => void reader?.cancel().catch(() => undefined);
  response.once('close', gone);
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    if (response.destroyed) return;
    if (!response.write(part.value)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
  }
  response.end();
}
