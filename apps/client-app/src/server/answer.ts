import type { ApiRefusal } from '../wire/page-event.ts';

/** A whole answer to one request. */
export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export function json(status: number, value: unknown): HttpAnswer {
  return { status, contentType: 'application/json', body: JSON.stringify(value) };
}

export function refusal(status: number, code: string, message: string, headers?: Record<string, string>): HttpAnswer {
  const answer = json(status, { error: { code, message } } satisfies ApiRefusal);
  return headers ? { ...answer, headers } : answer;
}
