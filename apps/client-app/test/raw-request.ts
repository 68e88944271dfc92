import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** A request with exactly these headers; `fetch` does not let a caller lie about Host and Origin. */
export async function rawRequest(
  port: number,
  { method = 'GET', path, headers, body }: RawRequest,
): Promise<RawAnswer> {
  const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  sent.once('response', (response) => {
    text(response).then(
      (whole) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole }),
      reject,
    );
  });
  sent.once('error', reject);
  sent.end(body);
  return promise;
}
