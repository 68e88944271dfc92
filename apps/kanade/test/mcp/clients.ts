/** Clients of both eras of the protocol, with the program as their server. */
import {
  type JSONRPCMessage,
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as LegacyHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { type jobsRoot, program, start } from '../program.ts';

export const eras = ['2026-07-28', '2025-11-25'] as const;
export type Era = (typeof eras)[number];

export type Structured = Record<string, unknown> & { error?: { code: string; message: string } };

interface ClientOptions {
  /** Declares that it knows tasks. */
  readonly tasks?: boolean;
  readonly env?: Record<string, string>;
  /** Hears of resources that have changed. */
  readonly onUpdated?: (uri: string) => void;
  /** Over HTTP, with a server that listens already. */
  readonly over?: { readonly url: string; readonly token: string };
}

type Jobs = Pick<Awaited<ReturnType<typeof jobsRoot>>, 'path' | 'root'>;

/** A connected client, and what the tests ask of it in the same words for both eras. */
export async function connect(era: Era, jobs: Jobs, { tasks = false, env = {}, onUpdated, over }: ClientOptions = {}) {
  const [command = '', ...before] = program;
  const server = {
    command,
    args: [...before, 'mcp'],
    cwd: jobs.path,
    env: { PATH: process.env.PATH ?? '', HOME: jobs.path, AGENT_EXEC_ROOT: jobs.root, ...env },
  };
  const info = { name: 'tests', version: '1' };
  const extensions = tasks ? { extensions: { 'io.modelcontextprotocol/tasks': {} } } : {};
  const isModern = era === '2026-07-28';
  const transport = over ? httpTransport(isModern, over) : isModern ? new ModernStdio(server) : new LegacyStdio(server);
  const client = isModern
    ? new ModernClient(info, { capabilities: extensions, versionNegotiation: { mode: { pin: era } } })
    : new LegacyClient(info, { capabilities: {} });
  if (onUpdated && client instanceof ModernClient)
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => onUpdated(params.uri));
  else if (onUpdated)
    (client as LegacyClient).setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
      onUpdated(params.uri),
    );
  await client.connect(transport as never);
  return {
    client,
    transport,
    /** Asks to hear of changes of a resource. */
    follow: (uri: string): Promise<unknown> =>
      client instanceof ModernClient
        ? client.listen({ resourceSubscriptions: [uri] })
        : client.subscribeResource({ uri }),
    /** What a tool answers as data; the text beside it is checked to be the same. */
    async call(name: string, given: Record<string, unknown>, options: object = {}): Promise<Structured> {
      const call = { name, arguments: given };
      const result =
        client instanceof ModernClient
          ? await client.callTool(call, options)
          : await client.callTool(call, undefined, options);
      const { content, structuredContent, isError } = result as {
        content: { text: string }[];
        structuredContent: Structured;
        isError?: boolean;
      };
      if (isError !== undefined) throw new Error('the error flag of the protocol stays unset');
      if (JSON.stringify(structuredContent) !== content[0]?.text) throw new Error('text and data differ');
      return structuredContent;
    },
    async [Symbol.asyncDispose]() {
      await client.close();
    },
  };
}

function httpTransport(isModern: boolean, { url, token }: { url: string; token: string }) {
  const options = { requestInit: { headers: { authorization: `Bearer ${token}` } } };
  return isModern ? new ModernHttp(new URL(url), options) : new LegacyHttp(new URL(url), options);
}

/** The program as a server, spoken to line by line. */
export function speak(jobs: Jobs, env: Record<string, string> = {}) {
  const { child, text, ended } = start(['mcp'], {
    cwd: jobs.path,
    input: 'open',
    env: { AGENT_EXEC_ROOT: jobs.root, HOME: jobs.path, ...env },
  });
  const answers: (JSONRPCMessage & Answered)[] = [];
  let read = 0;
  return {
    child,
    text,
    ended,
    send: (...messages: (object | string)[]) => {
      for (const message of messages)
        child.stdin?.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
    },
    /** What has come, a message a line. */
    answers() {
      for (let end = text.stdout.indexOf('\n', read); end >= 0; end = text.stdout.indexOf('\n', read)) {
        answers.push(JSON.parse(text.stdout.slice(read, end)) as JSONRPCMessage & Answered);
        read = end + 1;
      }
      return answers;
    },
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      await ended;
    },
  };
}

interface Answered {
  readonly id?: unknown;
  readonly result?: Record<string, unknown> & { structuredContent?: Structured };
  readonly error?: { readonly code: number; readonly message: string };
}

/** The opening of a client of 2025-11-25. */
export const opening = [
  {
    jsonrpc: '2.0',
    id: 'open',
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'tests', version: '1' } },
  },
  { jsonrpc: '2.0', method: 'notifications/initialized' },
];

export const toolCall = (id: unknown, name: string, given: unknown) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: given },
});
