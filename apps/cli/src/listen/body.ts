/** Reading what a request brings: within its limit, as what it says it is. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Failure } from '../answer/answer.ts';

/** How long a connection stays after what came was refused, in ms: who still sends does not read the answer before. */
export const lingerMs = 1_000;

/**
 * The JSON value of a request. Throws `wrong_content_type`, `body_too_large` and `invalid_request`; rejects with another error when the
 * connection broke.
 */
export async function readJson(request: IncomingMessage, response: ServerResponse, bytesMax: number): Promise<unknown> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    throw new Failure('wrong_content_type', `the body must come as application/json, not as ${type || 'nothing'}`);
  const bytes = await readBody(request, response, bytesMax);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new Failure('invalid_request', `could not read the body as JSON: ${(error as Error).message}`);
  }
}

/** The bytes of a request, at most `bytesMax`. Throws `body_too_large`. */
async function readBody(request: IncomingMessage, response: ServerResponse, bytesMax: number): Promise<Uint8Array> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  if (request.headers.expect !== undefined) response.writeContinue();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  request.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > bytesMax) reject(tooLarge(bytesMax));
    else chunks.push(chunk);
  });
  request.once('end', () => resolve(Buffer.concat(chunks)));
  request.once('error', reject);
  request.once('close', () => reject(new Error('the connection broke while the body was read')));
  try {
    return await promise;
  } finally {
    request.removeAllListeners('data');
  }
}

const tooLarge = (bytesMax: number): Failure =>
  new Failure('body_too_large', `the body may have ${bytesMax} bytes at most`);

/** Ends an answer that was written while a body is still on its way: what comes is thrown away, and the connection ends. */
export function endBeforeBody(request: IncomingMessage, response: ServerResponse): void {
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once('close', end);
  request.once('end', end);
  request.resume();
}
