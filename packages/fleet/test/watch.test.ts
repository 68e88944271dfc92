/** Following a run on machines that answer as no agent of ours would, and over a connection that comes and goes. */
import { type JobTailReply, logHeaders } from '@kanade/shared/fleet';
import { eventually, newestNatsServer } from '@kanade/testkit';
import { headers as createHeaders } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import {
  type AgentLogEvent,
  connectFleet,
  findRuns,
  type RunStanding,
  readAgentLog,
  type TailEvent,
  tailRuns,
} from '../src/index.ts';
import { openTestFleet } from './open-test-fleet.ts';

const { path } = await newestNatsServer();
const ids = { resultId: 'r' };

type Question = Record<string, unknown>;

async function openMachine(answer: (question: Question, asked: number) => JobTailReply | string | undefined) {
  const parts = new AsyncDisposableStack();
  const { fleet, broker } = parts.use(await openTestFleet(path));
  const machine = parts.use(await connectFleet({ servers: broker.url, name: 'machine' }));
  const questions: Question[] = [];
  machine.connection.subscribe('job.tail.pc', {
    callback: (_, message) => {
      const question = message.json<Question>();
      const reply = answer(question, questions.push(question));
      if (reply !== undefined) message.respond(typeof reply === 'string' ? reply : JSON.stringify(reply));
    },
  });
  await machine.connection.flush();
  const events: TailEvent[] = [];
  const runs = { ids, pcs: ['pc'], ended: new Set<string>() };
  const onEvent = (event: TailEvent): void => void events.push(event);
  return {
    fleet,
    broker,
    machine,
    questions,
    events,
    tail: (more: { follow?: boolean; fromStart?: boolean; signal?: AbortSignal } = {}) =>
      tailRuns(fleet, runs, { follow: true, fromStart: true, onEvent, ...more }),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

const at = (from: number, to: number, text: string, more: JobTailReply = {}): JobTailReply => ({
  ...{ found: true, result_id: 'r', state: 'running', stdout: text, stdout_from: from, stdout_to: to },
  ...{ stderr_from: 0, stderr_to: 0, ...more },
});
const standing = (state: RunStanding) => new Map([['pc', state]]);
const output = { type: 'output', pc: 'pc', runId: 'r', stream: 'stdout' };

describe('following a run', () => {
  it('asks from where it is, says what is missing, and pages through what one answer does not carry', async () => {
    const answers = [
      at(0, 3, 'abc', { more: true }),
      at(3, 5, 'de', { more: true }),
      at(9, 10, 'j'),
      at(7, 7, ''),
      at(7, 8, 'h', { state: 'ended', status: 'completed', exit_code: 0 }),
    ];
    await using site = await openMachine(() => answers.shift());
    expect(await site.tail()).toEqual(standing('ended'));
    expect(site.questions.map(({ stdout_from }) => stdout_from)).toEqual([0, 3, 5, 10, 7]);
    expect(site.events).toEqual([
      { ...output, from: 0, to: 3, text: 'abc' },
      { ...output, from: 3, to: 5, text: 'de' },
      { ...output, type: 'left_out', from: 5, to: 9 },
      { ...output, from: 9, to: 10, text: 'j' },
      { ...output, type: 'left_out', from: 7, to: 10 },
      { ...output, from: 7, to: 8, text: 'h' },
      expect.objectContaining({ type: 'ended', status: 'completed', exitCode: 0, kept: true }),
    ]);
  });

  it('begins with the end, unless nothing was there yet', async () => {
    const answers = [
      at(90, 100, 'end'),
      { found: false },
      at(0, 0, '', { state: 'waiting' }),
      at(0, 1, 'x', { state: 'ended' }),
    ];
    await using site = await openMachine(() => answers.shift());
    expect(await site.tail({ follow: false, fromStart: false })).toEqual(standing('running'));
    expect(site.events.splice(0)).toMatchObject([{ type: 'left_out', from: 0, to: 90 }, { text: 'end' }]);
    expect(await site.tail({ fromStart: false })).toEqual(standing('ended'));
    expect(site.questions.map(({ stdout_from }) => stdout_from)).toEqual([undefined, undefined, 0, 0]);
    expect(site.events).toMatchObject([{ why: 'unknown' }, { why: 'not_begun' }, { text: 'x' }, { type: 'ended' }]);
  });

  it.each([
    ['no JSON', 'cannot be used: it says no JSON'],
    ['{"found":"yes"}', 'cannot be used'],
    [{ found: true, running: true, stdout: 'x' }, 'too old to be followed'],
    [{ found: false, error: 'the question is no JSON' }, 'the question is no JSON'],
  ])('refuses the answer %j', async (reply, said) => {
    await using site = await openMachine(() => reply as JobTailReply);
    await expect(site.tail()).rejects.toMatchObject({ code: 'broker_failed', message: expect.stringContaining(said) });
  });

  it('does not ask a machine all the time that cannot hold its answer back', async () => {
    await using site = await openMachine((_, asked) => at(0, 0, '', asked < 5 ? {} : { state: 'ended' }));
    const startedMs = performance.now();
    expect(await site.tail()).toEqual(standing('ended'));
    expect(performance.now() - startedMs).toBeGreaterThan(1000);
  });

  it('waits for a machine that is away, and for a broker', async () => {
    let isThere = false;
    await using site = await openMachine((question) => {
      if (!isThere) return undefined; // asked, and gone before it answered
      return question.stdout_from === 0 ? at(0, 3, 'abc') : at(3, 4, 'd', { state: 'ended' });
    });
    const tailed = site.tail();
    await eventually('it has asked', () => site.questions.length === 1);
    isThere = true;
    await site.broker.restart('SIGKILL');
    expect(await tailed).toEqual(standing('ended'));
    expect(site.events.flatMap((event) => (event.type === 'output' ? event.text : event.type))).toEqual(
      expect.arrayContaining(['waiting', 'abc', 'd', 'ended']),
    );
    expect(site.events.filter(({ type }) => type === 'output')).toHaveLength(2);
  });

  it('ends at once when its signal fires, and leaves nothing behind', async () => {
    await using site = await openMachine(() => undefined);
    const giving = new AbortController();
    const tailed = site.tail({ signal: giving.signal });
    await eventually('it has asked', () => site.questions.length === 1);
    giving.abort(new Error('enough'));
    await expect(tailed).rejects.toThrow('enough');
    await expect(findRuns(site.fleet, 'a b')).rejects.toMatchObject({ code: 'invalid_id' });
    await expect(findRuns(site.fleet, 'a', { pcs: ['*'] })).rejects.toMatchObject({ code: 'invalid_id' });
    expect(await findRuns(site.fleet, 'a')).toBeUndefined();
  });
});

describe('reading the log of an agent', () => {
  async function openAgent(answers: readonly { readonly text: string; readonly headers?: Record<string, string> }[]) {
    const parts = new AsyncDisposableStack();
    const { fleet, broker } = parts.use(await openTestFleet(path));
    const machine = parts.use(await connectFleet({ servers: broker.url, name: 'machine' }));
    const questions: Question[] = [];
    machine.connection.subscribe('logs.fetch.pc', {
      callback: (_, message) => {
        const answer = answers[questions.push(message.json<Question>()) - 1];
        const carried = createHeaders();
        for (const [name, value] of Object.entries(answer?.headers ?? {})) carried.set(name, value);
        if (answer) message.respond(answer.text, { headers: carried });
      },
    });
    await machine.connection.flush();
    return { fleet, questions, [Symbol.asyncDispose]: () => parts.disposeAsync() };
  }
  const position = (at: string) => ({ [logHeaders.position]: at });

  it('goes on from the position that it was told, and says when lines are gone', async () => {
    await using agent = await openAgent([
      { text: 'one\n', headers: position('a:4') },
      { text: 'two\n', headers: position('a:8') },
      { text: 'nine\n', headers: { ...position('b:5'), [logHeaders.gap]: 'true' } },
    ]);
    const enough = new AbortController();
    const events: AgentLogEvent[] = [];
    const onEvent = (event: AgentLogEvent): void => {
      if (events.push(event) === 4) enough.abort(new Error('enough'));
    };
    const reading = readAgentLog(agent.fleet, 'pc', { lines: 7, follow: true, onEvent, signal: enough.signal });
    await expect(reading).rejects.toThrow('enough');
    const texts = events.map((event) => (event.type === 'text' ? event.text : event.type));
    expect(texts).toEqual(['one\n', 'two\n', 'gap', 'nine\n']);
    expect(agent.questions.slice(0, 3)).toMatchObject([{ tail_lines: 7 }, { after: 'a:4' }, { after: 'a:8' }]);
  });

  it('takes one answer of an agent of before, and does not follow it; says why an agent does not answer', async () => {
    await using agent = await openAgent([
      { text: 'old\n' },
      { text: 'old\n' },
      { text: '', headers: { [logHeaders.error]: 'not understood' } },
    ]);
    const said: AgentLogEvent[] = [];
    const options = { lines: 1, onEvent: (event: AgentLogEvent) => void said.push(event) };
    expect(await readAgentLog(agent.fleet, 'pc', { ...options, follow: false })).toBe(true);
    const followed = readAgentLog(agent.fleet, 'pc', { ...options, follow: true });
    await expect(followed).rejects.toMatchObject({
      code: 'broker_failed',
      message: expect.stringContaining('too old'),
    });
    await expect(readAgentLog(agent.fleet, 'pc', { ...options, follow: false })).rejects.toThrow('not understood');
    expect(await readAgentLog(agent.fleet, 'nobody', { ...options, follow: false })).toBe(false);
    expect(said.at(-1)).toEqual({ type: 'no_answer' });
  });
});
