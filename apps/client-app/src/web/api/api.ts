import type { DiagnosticsPreview, DiagnosticsResult, OutputPart, OutputQuery } from '@kanade/shared/local';
import type { AgentLog, ApiRefusal, DiagnosticsWords, JobsOffered } from '../../wire/page-event.ts';

/** The page's own server, with the session's key. Every method rejects with {@link ApiError}. */
export interface Api {
  listJobs(options?: { signal?: AbortSignal }): Promise<JobsOffered>;
  start(jobId: string): Promise<void>;
  stop(runId: string): Promise<void>;
  /** A part of what a run has printed, from the disk of the machine. */
  readOutput(query: OutputQuery): Promise<OutputPart>;
  /** Confirms a notification. */
  acknowledge(id: string): Promise<void>;
  /** Takes a confirmation back. */
  withdraw(id: string): Promise<void>;
  unlock(code: string): Promise<void>;
  lock(): Promise<void>;
  /** What would be sent to whoever helps. */
  previewDiagnostics(words: DiagnosticsWords): Promise<DiagnosticsPreview>;
  /** Sends what was shown. */
  sendDiagnostics(preview: string): Promise<DiagnosticsResult>;
  readLog(): Promise<AgentLog>;
  events(options: { signal: AbortSignal }): Promise<ReadableStream<Uint8Array>>;
}

/** `code` is the server's, or `gone` when no server answered. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export function createApi(key: string): Api {
  const request = (path: string, init: RequestInit): Promise<Response> =>
    call(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${key}` } });
  const post = (path: string, body: object): Promise<Response> =>
    request(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
  return {
    listJobs: async ({ signal } = {}) => (await request('/api/jobs', { signal })).json(),
    async start(jobId) {
      await post('/api/runs', { job_id: jobId });
    },
    async stop(runId) {
      await post(`/api/runs/${encodeURIComponent(runId)}/stop`, {});
    },
    readOutput: async ({ run_id, ...query }) =>
      (await post(`/api/runs/${encodeURIComponent(run_id)}/output`, query)).json(),
    async acknowledge(id) {
      await post(`/api/notifications/${encodeURIComponent(id)}/ack`, {});
    },
    async withdraw(id) {
      await post(`/api/notifications/${encodeURIComponent(id)}/unack`, {});
    },
    async unlock(code) {
      await post('/api/support/unlock', { code });
    },
    async lock() {
      await post('/api/support/lock', {});
    },
    previewDiagnostics: async (words) => (await post('/api/support/preview', words)).json(),
    sendDiagnostics: async (preview) => (await post('/api/support/send', { preview })).json(),
    readLog: async () => (await request('/api/log', {})).json(),
    async events({ signal }) {
      const { body } = await request('/api/events', { signal });
      if (!body) throw new ApiError('gone', 'the event stream has no body');
      return body;
    },
  };
}

/** Trades the token of the address for the session's key. Rejects with {@link ApiError} `bad_token` when it was used before. */
export async function exchangeToken(token: string): Promise<string> {
  const response = await call('/api/session', {
    method: 'POST',
    body: JSON.stringify({ token }),
    headers: { 'content-type': 'application/json' },
  });
  const body: { key: string } = await response.json();
  return body.key;
}

async function call(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch((cause: Error) => {
    throw new ApiError('gone', cause.message, { cause });
  });
  if (response.ok) return response;
  const body: ApiRefusal | undefined = await response.json().catch(() => undefined);
  throw new ApiError(body?.error.code ?? 'unreadable', body?.error.message ?? `status ${response.status}`);
}
