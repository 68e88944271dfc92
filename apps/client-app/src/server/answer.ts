import type { ServerResponse } from 'node:http';
import type { Refusal } from '../wire/page-event.ts';

/** A whole answer to one request. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function json(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}

export function refuse(status: number, code: string, message: string, headers?: Record<string, string>): Answer {
  const answer = json(status, { error: { code, message } } satisfies Refusal);
  return headers ? { ...answer, headers } : answer;
}

export function send(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}
