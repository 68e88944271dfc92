/* What the API does, one handler per path. */
import type { Board } from '../run/board.ts';
import { type HttpAnswer, json, refusal } from './answer.ts';
import { type AgentLink, LinkError, type LinkErrorCode } from './link.ts';
import type { Session } from './session.ts';

/** What a route may use to answer one request. */
export interface RouteContext {
  readonly link: AgentLink;
  readonly board: Board;
  readonly session: Session;
  readonly body: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

export type RouteHandler = (context: RouteContext) => Promise<HttpAnswer> | HttpAnswer;

export function takeToken({ session, body }: RouteContext): HttpAnswer {
  const key = typeof body.token === 'string' ? session.exchange(body.token) : undefined;
  return key === undefined
    ? refusal(
        403,
        'bad_token',
        'this address was already used or is not ours: start the Client App again for a new one',
      )
    : json(200, { key });
}

export async function offeredJobs({ link, signal }: RouteContext): Promise<HttpAnswer> {
  return answered(async () => json(200, await link.listJobs({ signal })));
}

export async function startRun({ link, board, body, signal }: RouteContext): Promise<HttpAnswer> {
  const jobId = body.job_id;
  if (typeof jobId !== 'string' || jobId === '') {
    return refusal(400, 'bad_body', 'expected {"job_id": "<id of a job>"}');
  }
  return answered(async () => {
    const { run_id } = await link.execute(jobId, { signal });
    board.started(run_id, jobId);
    return json(200, { run_id });
  });
}

export function stopRun(runId: string): RouteHandler {
  return ({ link, board, signal }) =>
    answered(async () => {
      await link.kill(runId, { signal });
      board.stopping(runId);
      return json(200, {});
    });
}

export function outputPart(run_id: string): RouteHandler {
  return ({ link, body, signal }) => {
    const { stream, from } = body;
    const isPlace = from === undefined || (Number.isSafeInteger(from) && Number(from) >= 0);
    if ((stream !== 'stdout' && stream !== 'stderr') || !isPlace) {
      return refusal(400, 'bad_body', 'expected {"stream": "stdout" or "stderr", "from": <a byte of it>}');
    }
    return answered(async () =>
      json(200, await link.readOutput({ run_id, stream, from: Number(from ?? 0) }, { signal })),
    );
  };
}

export function acknowledge(id: string): RouteHandler {
  return ({ link, board, signal }) =>
    answered(async () => {
      const { acked_at } = await link.acknowledge(id, { signal });
      board.receive({ type: 'acked', id, acked_at });
      return json(200, {});
    });
}

export function takeAckBack(id: string): RouteHandler {
  return ({ link, board, signal }) =>
    answered(async () => {
      await link.withdraw(id, { signal });
      board.receive({ type: 'acked', id });
      return json(200, {});
    });
}

export async function unlock({ link, board, body, signal }: RouteContext): Promise<HttpAnswer> {
  const { code } = body;
  if (typeof code !== 'string' || code === '') return refusal(400, 'bad_body', 'expected {"code": "<support code>"}');
  return answered(async () => {
    board.receive({ type: 'grants', grants: await link.unlock(code, { signal }) });
    return json(200, {});
  });
}

export async function lock({ link, board, signal }: RouteContext): Promise<HttpAnswer> {
  return answered(async () => {
    await link.lock({ signal });
    board.receive({ type: 'grants', grants: [] });
    return json(200, {});
  });
}

export async function previewDiagnostics({ link, body, signal }: RouteContext): Promise<HttpAnswer> {
  const { summary, detail, contact } = body;
  const words = [summary, detail, contact].map((part) => part ?? '');
  if (!words.every((part) => typeof part === 'string')) {
    return refusal(400, 'bad_body', 'expected {"summary": "<text>", "detail": "<text>", "contact": "<text>"}');
  }
  const [brief = '', more = '', where = ''] = words;
  return answered(async () =>
    json(200, await link.previewDiagnostics({ summary: brief, detail: more, contact: where }, { signal })),
  );
}

export async function sendDiagnostics({ link, body, signal }: RouteContext): Promise<HttpAnswer> {
  const { preview } = body;
  if (typeof preview !== 'string') return refusal(400, 'bad_body', 'expected {"preview": "<of what was shown>"}');
  return answered(async () => json(200, await link.sendDiagnostics(preview, { signal })));
}

export async function readLog({ link, signal }: RouteContext): Promise<HttpAnswer> {
  return answered(async () => json(200, await link.readLog({ signal })));
}

const statusOf: Record<LinkErrorCode, number> = {
  away: 503,
  offline: 503,
  refused: 503,
  not_allowed: 403,
  not_found: 404,
  too_many: 429,
  invalid: 400,
  internal: 502,
};

async function answered(attempt: () => Promise<HttpAnswer>): Promise<HttpAnswer> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof LinkError) return refusal(statusOf[error.code], error.code, error.message);
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      return refusal(504, 'agent_slow', 'the agent did not answer in time');
    }
    throw error;
  }
}
