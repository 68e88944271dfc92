/** `kanade serve` on a jobs root of its own, and clients for it: one that knows HTTP, and one that sends bytes as they are. */
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { eventually } from '@kanade/testkit';
import { type CallOptions, type Json, jobsRoot, start } from './program.ts';

export interface Reply extends Json {
  readonly status: number;
  readonly headers: Headers;
}

export interface Ask extends RequestInit {
  /** Sent as JSON, with POST unless another method is named. */
  readonly json?: unknown;
  /** False: no token. */
  readonly token?: boolean | string;
}

export async function served(options: readonly string[] = [], more: CallOptions = {}) {
  const jobs = await jobsRoot();
  const address = `${jobs.path}/serve.url`;
  const env: Record<string, string | undefined> = {
    AGENT_EXEC_ROOT: jobs.root,
    HOME: jobs.path,
    XDG_DATA_HOME: undefined,
    ...more.env,
  };
  const port = options.includes('--bind') ? [] : ['--port', '0'];
  const words = ['serve', ...port, '--address-file', address, ...options];
  const { child, text, ended } = start(words, { cwd: jobs.path, ...more, env });
  let over = false;
  ended.then(() => {
    over = true;
  });
  await eventually('it listens', () => existsSync(address) || over);
  if (over) throw new Error(`it ended: ${JSON.stringify(await ended)}`);
  const url = readFileSync(address, 'utf8').trim();
  const tokenFile = `${jobs.path}/.local/share/agent-exec/serve.token`;
  const token = env.AGENT_EXEC_SERVE_TOKEN ?? (existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8').trim() : '');
  const ask = (path: string, { json, token: given = true, ...init }: Ask = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      ...init,
      ...(json === undefined ? {} : { method: init.method ?? 'POST', body: JSON.stringify(json) }),
      headers: {
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(given === false ? {} : { authorization: `Bearer ${given === true ? token : given}` }),
        ...(init.headers as Record<string, string>),
      },
    });
  return {
    jobs,
    url,
    port: Number(new URL(url).port) as AddressInfo['port'],
    pid: child.pid as number,
    token,
    tokenFile,
    child,
    text,
    ended,
    ask,
    /** One JSON document with its status. */
    async answer(path: string, init?: Ask): Promise<Reply> {
      const response = await ask(path, init);
      const body = await response.text();
      if (!/^\{[^\n]*\}\n$/.test(body)) throw new Error(`not one line of JSON: ${body.slice(0, 500)}`);
      return { ...(JSON.parse(body) as Json), status: response.status, headers: response.headers };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
      await jobs[Symbol.asyncDispose]();
    },
  };
}

export type Served = Awaited<ReturnType<typeof served>>;

/** Sends text as it is and gives what comes back until the server closes, or until `enough` of it is there. */
export function raw(port: number, text: string, enough: (received: string) => boolean = () => false): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    if (enough(received)) socket.destroy();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(received));
  return promise;
}
