/** Jobs as tasks, driven with the official package of the extension, in both eras. */

import { writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { createTaskSessionFromClient, type RawClientDispatch } from '@modelcontextprotocol/ext-tasks/client';
import { describe, expect, it } from 'vitest';
import { jobsRoot, program } from '../program.ts';
import { eras, opening, type Structured, speak, toolCall } from './clients.ts';

type Era = (typeof eras)[number];
type Jobs = { path: string; root: string };

/** A session of the extension's own package with a server of its own. */
async function connectSession(era: Era, jobs: Jobs) {
  const [command = '', ...before] = program;
  const transport = new StdioClientTransport({
    command,
    args: [...before, 'mcp'],
    cwd: jobs.path,
    env: { PATH: process.env.PATH ?? '', HOME: jobs.path, AGENT_EXEC_ROOT: jobs.root },
  });
  const info = { name: 'tests', version: '1' };
  const isModern = era === '2026-07-28';
  const client = new Client(info, {
    capabilities: isModern ? { extensions: { 'io.modelcontextprotocol/tasks': {} } } : {},
    versionNegotiation: { mode: isModern ? { pin: era } : 'legacy' },
  });
  await client.connect(transport);
  const endpointId = jobs.root;
  const framing = { protocolVersion: era, clientInfo: info, clientCapabilities: {} };
  const session = isModern
    ? createTaskSessionFromClient(client, {
        endpointId,
        rawDispatch: rawDispatchOn(transport),
        v2RequestFraming: framing,
      })
    : createTaskSessionFromClient(client, { endpointId });
  return {
    session,
    pid: transport.pid ?? 0,
    run: (given: Record<string, unknown>) => start('run', given),
    wait: (given: Record<string, unknown>) => start('wait', given),
    async [Symbol.asyncDispose]() {
      await session.close();
      await client.close();
    },
  };
  /** Of its own accord in the new era, because it is asked to in the old one. */
  async function start(name: string, given: Record<string, unknown>) {
    const { tools } = await client.listTools();
    const tool = tools.find((known) => known.name === name);
    const declaration = { name, inputSchema: {}, taskSupport: tool?.execution?.taskSupport ?? ('optional' as const) };
    return session.callTool(name, given as never, isModern ? {} : { declaration, task: { preference: 'require' } });
  }
}

/** The client's package refuses results that are tasks: what asks for them goes past it, over the same connection. */
function rawDispatchOn(transport: StdioClientTransport): RawClientDispatch {
  const waiting = new Map<string, (answer: Awaited<ReturnType<RawClientDispatch>>) => void>();
  const before = transport.onmessage;
  transport.onmessage = (message) => {
    const { id, result, error } = message as { id?: string; result?: never; error?: never };
    const answer = waiting.get(String(id));
    if (!answer) return before?.(message);
    waiting.delete(String(id));
    return answer(error ? { kind: 'error', error } : { kind: 'result', result: result as never });
  };
  let count = 0;
  return (request) =>
    new Promise((resolve) => {
      const id = `raw-${count++}`;
      waiting.set(id, resolve);
      void transport.send({ jsonrpc: '2.0', id, ...(request as { method: string }) });
    });
}

const structured = (result: unknown) => (result as { structuredContent: Structured }).structuredContent;

describe.each(eras)('a client of %s that knows tasks', (era) => {
  it('is handed the job as a task, and its ending when it has one', async () => {
    await using jobs = await jobsRoot();
    await using mcp = await connectSession(era, jobs);
    const gated = 'echo hi; until [ -e go ]; do sleep 0.02; done; exit 4';
    const execution = await mcp.run({ command: ['sh', '-c', gated], until: 0 });
    if (execution.kind !== 'task') throw new Error('no task was made');
    writeFileSync(`${jobs.path}/go`, '');
    const { outcome, lastTask } = await execution.settle();
    if (outcome.status !== 'completed') throw new Error(outcome.status);
    const id = execution.handle.taskId;
    expect(await jobs.answer(['status', id])).toMatchObject({ job_id: id, exit_code: 4 });
    expect(structured(outcome.result)).toMatchObject({ type: 'wait', job_id: id, exit_code: 4, stdout: 'hi\n' });
    expect(lastTask).toMatchObject({ status: 'completed', statusMessage: 'exited with 4, 3 bytes printed' });
  });

  it('finds the task again when the server was killed, and cancels it', async () => {
    await using jobs = await jobsRoot();
    const { job_id: id } = await jobs.answer(['run', '--until', '0', '--', 'sleep', '60']);
    {
      await using first = await connectSession(era, jobs);
      const waiting = await first.wait({ job_id: id, until: 0 });
      expect(waiting.kind).toBe('task');
      process.kill(first.pid, 'SIGKILL');
    }
    await using second = await connectSession(era, jobs);
    const task = second.session.task(id as never);
    expect(await task.snapshot()).toMatchObject({ taskId: id, status: 'working' });
    await task.cancel();
    await eventually('the end of the task', async () => (await task.snapshot()).status === 'cancelled');
    expect(await jobs.answer(['status', String(id)])).toMatchObject({ state: 'killed', ended_by: 'user' });
  });

  it('is told of an id that is none', async () => {
    await using jobs = await jobsRoot();
    await using mcp = await connectSession(era, jobs);
    await jobs.answer(['run', '--', 'true']);
    for (const id of ['no-such-task', '..', '', 'a\0b'])
      await expect(mcp.session.task(id as never).snapshot()).rejects.toThrow(/no task has the id/);
  });
});

it('lists jobs as tasks to clients of 2025-11-25, newest first and page by page', async () => {
  await using jobs = await jobsRoot();
  for (const word of ['a', 'b']) await jobs.answer(['run', '--', 'echo', word]);
  await using mcp = speak(jobs);
  const list = (id: number, cursor?: string) => ({ jsonrpc: '2.0', id, method: 'tasks/list', params: { cursor } });
  mcp.send(...opening, list(1), list(2, '1'), list(3, 'x'));
  await eventually('three answers', () => mcp.answers().length === 4);
  const [, all, rest, wrong] = mcp.answers();
  const tasks = (all?.result?.tasks ?? []) as unknown[];
  expect(tasks).toHaveLength(2);
  expect(rest?.result?.tasks).toEqual([tasks[1]]);
  expect(wrong?.error?.code).toBe(-32_602);
});

it('hands no task to a client of 2026-07-28 that does not know them, and answers none of its questions', async () => {
  await using jobs = await jobsRoot();
  const { job_id: id } = await jobs.answer(['run', '--until', '0', '--', 'sleep', '60']);
  await using mcp = speak(jobs);
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'tests', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const asked = (message: { params: object }) => ({ ...message, params: { ...message.params, _meta: meta } });
  mcp.send(
    asked(toolCall(1, 'wait', { job_id: id, until: 0 })),
    asked({ jsonrpc: '2.0', id: 2, method: 'tasks/get', params: { taskId: id } } as never),
  );
  await eventually('two answers', () => mcp.answers().length === 2);
  const answers = [...mcp.answers()].sort((a, b) => Number(a.id) - Number(b.id));
  expect(answers[0]?.result?.structuredContent).toMatchObject({ type: 'wait', state: 'running' });
  expect(answers[1]?.error?.code).toBe(-32_021);
});

it('tells clients of 2025-11-25 which tools can be tasks, and refuses to make one of the others', async () => {
  await using jobs = await jobsRoot();
  await using mcp = speak(jobs);
  const tail = toolCall(1, 'tail', { job_id: 'x' });
  mcp.send(
    ...opening,
    { ...tail, params: { ...tail.params, task: {} } },
    { jsonrpc: '2.0', id: 2, method: 'tools/list' },
  );
  await eventually('two answers', () => mcp.answers().length === 3);
  const [, refused, listed] = mcp.answers();
  expect(refused?.error?.code).toBe(-32_601);
  const tools = listed?.result?.tools as { name: string; execution?: { taskSupport: string } }[];
  expect(tools.filter(({ execution }) => execution?.taskSupport === 'optional').map(({ name }) => name)).toEqual([
    'run',
    'wait',
  ]);
});
