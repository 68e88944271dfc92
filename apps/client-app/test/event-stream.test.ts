import { describe, expect, it } from 'vitest';
import type { PageEvent } from '../src/run/board.ts';
import { readEvents } from '../src/web/api/event-frames.ts';
import { openPageUnderTest, type PageUnderTest } from './page-under-test.ts';

async function sessionKey(page: PageUnderTest): Promise<string> {
  const response = await fetch(`${page.origin}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: page.token }),
  });
  return ((await response.json()) as { key: string }).key;
}

async function openEvents(page: PageUnderTest, key: string): Promise<AsyncGenerator<PageEvent>> {
  const response = await fetch(`${page.origin}/api/events`, { headers: { authorization: `Bearer ${key}` } });
  if (!response.body) throw new Error('the stream has no body');
  return readEvents(response.body);
}

/** The next `count` events. */
async function take(events: AsyncGenerator<PageEvent>, count: number): Promise<PageEvent[]> {
  const taken: PageEvent[] = [];
  while (taken.length < count) {
    const { done, value } = await events.next();
    if (done) throw new Error(`the stream ended after ${taken.length} of ${count} events`);
    taken.push(value);
  }
  return taken;
}

describe('GET /api/events', () => {
  it('gives a second page every run with its output so far, then what follows', async () => {
    await using page = await openPageUnderTest();
    const key = await sessionKey(page);
    const first = await openEvents(page, key);
    page.agent.push(page.board, { run_id: 'r1', job_id: 'disk-report', status: 'running', stdout_chunk: 'one\n' });
    page.agent.push(page.board, { run_id: 'r1', status: 'running', stdout_chunk: 'two\n' });
    expect((await take(first, 3)).map((event) => event.type)).toEqual(['all', 'progress', 'progress']);

    const second = await openEvents(page, key);
    const [all] = await take(second, 1);
    expect(all).toMatchObject({
      type: 'all',
      connection: { phase: 'connected', agent: { pcId: 'desk-042' } },
      runs: [
        { run_id: 'r1', job_id: 'disk-report', status: 'running', stdout: { text: 'one\ntwo\n', droppedChars: 0 } },
      ],
    });
    page.agent.push(page.board, { run_id: 'r1', status: 'completed', exit_code: 0, stdout_chunk: 'one\ntwo\nthree\n' });
    expect(await take(second, 1)).toMatchObject([
      { type: 'progress', progress: { status: 'completed', exit_code: 0 } },
    ]);
    expect(await take(first, 1)).toMatchObject([{ type: 'progress', progress: { status: 'completed' } }]);
  });

  it('ends when the server closes, and closing does not wait for its readers', async () => {
    const page = await openPageUnderTest();
    const events = await openEvents(page, await sessionKey(page));
    await take(events, 1);
    await page[Symbol.asyncDispose]();
    const end = await events.next().then(
      ({ done }) => (done ? 'ended' : 'went on'),
      () => 'broke off',
    );
    expect(end).not.toBe('went on');
    await expect(fetch(page.origin)).rejects.toThrow();
  });

  it('sends comments while nothing happens', async () => {
    await using page = await openPageUnderTest({ heartbeatMs: 20 });
    const authorization = `Bearer ${await sessionKey(page)}`;
    const response = await fetch(`${page.origin}/api/events`, { headers: { authorization } });
    const decoder = new TextDecoder();
    let seen = '';
    for await (const chunk of response.body ?? []) {
      seen += decoder.decode(chunk, { stream: true });
      if (seen.includes('\n\n: ')) break;
    }
    expect(seen).toMatch(/^data: \{"type":"all"/);
  });
});
