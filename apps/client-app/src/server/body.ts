import type { IncomingMessage } from 'node:http';
import { type Answer, refuse } from './answer.ts';

export interface BodyLimits {
  /** Bytes of a request's body. Defaults to 64 KiB. */
  readonly bodyBytesMax: number;
  /** Time for a body to arrive in full, in ms. Defaults to 10 s. */
  readonly bodyMs: number;
}

export const bodyLimits: BodyLimits = { bodyBytesMax: 64 * 1024, bodyMs: 10_000 };

export type BodyResult =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly answer: Answer };

/** Reads a JSON object from a request. Whatever does not fit is an answer to send; a broken connection rejects. */
export async function readJsonBody(request: IncomingMessage, limits: BodyLimits): Promise<BodyResult> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    return failed(refuse(415, 'wrong_content_type', `expected application/json, got: ${type || 'nothing'}`));
  }
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limits.bodyBytesMax) return failed(tooLarge(limits.bodyBytesMax, declared));
  const read = await readAll(request, limits);
  if ('status' in read) return failed(read);
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(read));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { ok: true, value: value as Record<string, unknown> };
    }
    return failed(refuse(400, 'bad_body', 'expected a JSON object'));
  } catch (error) {
    return failed(refuse(400, 'bad_body', `could not read the body as JSON: ${(error as Error).message}`));
  }
}

function readAll(request: IncomingMessage, limits: BodyLimits): Promise<Uint8Array | Answer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | Answer>();
  const timer = setTimeout(
    () => resolve(refuse(408, 'slow_body', `the body did not arrive within ${limits.bodyMs} ms`)),
    limits.bodyMs,
  );
  request.on('data', (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > limits.bodyBytesMax) resolve(tooLarge(limits.bodyBytesMax, bytes));
    else chunks.push(chunk);
  });
  request.on('end', () => resolve(Buffer.concat(chunks)));
  request.on('error', reject);
  request.on('close', () => reject(new Error('the connection broke while the body was read')));
  return promise.finally(() => {
    clearTimeout(timer);
    request.pause();
  });
}

function tooLarge(maximum: number, actual: number): Answer {
  return refuse(413, 'body_too_large', `body of at least ${actual} bytes, maximum ${maximum}`);
}

function failed(answer: Answer): BodyResult {
  // What is left of the body is not read, so the connection cannot carry another request.
  return { ok: false, answer: { ...answer, headers: { ...answer.headers, connection: 'close' } } };
}
