/** `kanade serve` on a jobs root of its own, and clients for it: one that knows HTTP, and one that sends bytes as they are. */
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { eventually } from '@kanade/testkit';
import { Ajv2020 } from 'ajv/dist/2020.js';
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

type Operation = { readonly responses: Readonly<Record<string, unknown>> };
type OpenApi = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

/** Holds answers against the document that the server itself gives: their status must stand there, and their JSON obey its schema. */
export function createJudge(document: OpenApi) {
  const ajv = new Ajv2020({ strict: false, allErrors: true }).addSchema(document, 'openapi');
  const pointer = (...words: readonly string[]): string =>
    words.map((word) => encodeURIComponent(word.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
  return (method: string, path: string, status: number, body: Json): void => {
    const template = Object.keys(document.paths).find((known) =>
      new RegExp(`^${known.replaceAll(/\{\w+\}/g, '[^/]*')}$`).test(path.split('?')[0] ?? ''),
    );
    const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
    if (template === undefined || !operation) {
      if (!['unknown_route', 'method_not_allowed', 'forbidden'].includes(body.error?.code ?? ''))
        throw new Error(`no such operation in the document: ${method} ${path}`);
      return;
    }
    if (!operation.responses[status])
      throw new Error(`${method} ${template} has no answer ${status}: ${JSON.stringify(body)}`);
    const $ref = `openapi#/paths/${pointer(template, method.toLowerCase(), 'responses', String(status), 'content', 'application/json', 'schema')}`;
    const validate = ajv.getSchema($ref) ?? ajv.compile({ $ref });
    if (!validate(body))
      throw new Error(`${method} ${template} ${status}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(body)}`);
  };
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
  let judge: ReturnType<typeof createJudge> | undefined;
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
    /** One JSON document with its status, as the server's own document has it. */
    async answer(path: string, init?: Ask): Promise<Reply> {
      const response = await ask(path, init);
      const body = await response.text();
      if (!/^\{[^\n]*\}\n$/.test(body)) throw new Error(`not one line of JSON: ${body.slice(0, 500)}`);
      const document = JSON.parse(body) as Json;
      judge ??= createJudge((await (await fetch(`${url}/openapi.json`)).json()) as OpenApi);
      judge(init?.method ?? (init?.json === undefined ? 'GET' : 'POST'), path, response.status, document);
      return { ...document, status: response.status, headers: response.headers };
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
