/** What a client must not be able to do to the server, and what it is answered instead. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { jobsRoot } from '../program.ts';
import { opening, speak, toolCall } from './clients.ts';

const megabyte = 1024 * 1024;

/** Most memory that the server has had, in MiB. */
function peakOf(pid: number | undefined): number {
  return Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

it('answers what is no message with what is wrong with it, and goes on', async () => {
  await using jobs = await jobsRoot();
  await using mcp = speak(jobs);
  mcp.send(...opening, 'nonsense', '{"jsonrpc":"2.0","id":1', '[]', '"text"', '{"id":7,"method":"ping"}');
  mcp.send('', '{"jsonrpc":"2.0","id":{},"method":"ping"}', '['.repeat(100_000), {
    jsonrpc: '2.0',
    id: 'last',
    method: 'ping',
  });
  await eventually('the last answer', () => mcp.answers().some(({ id }) => id === 'last'));
  const errors = mcp.answers().flatMap(({ id, error }) => (error ? [`${id} ${error.code}`] : []));
  expect(errors).toEqual([
    'null -32700',
    'null -32700',
    'null -32600',
    'null -32600',
    '7 -32600',
    'null -32600',
    'null -32700',
  ]);
});

it('refuses a message that is too long while it comes, without holding it', async () => {
  await using jobs = await jobsRoot();
  await using mcp = speak(jobs);
  mcp.send(...opening);
  await eventually('the opening', () => mcp.answers().length === 1);
  const before = peakOf(mcp.child.pid);
  const { stdin } = mcp.child;
  stdin?.write('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run","arguments":{"stdin":"');
  const chunk = 'x'.repeat(megabyte);
  for (let sent = 0; sent < 200; sent++) if (!stdin?.write(chunk)) await once(stdin as NodeJS.WritableStream, 'drain');
  mcp.send('"}}}', { jsonrpc: '2.0', id: 2, method: 'ping' });
  await eventually('the answer behind it', () => mcp.answers().some(({ id }) => id === 2));
  expect(mcp.answers().slice(1)).toEqual([
    { jsonrpc: '2.0', id: null, error: { code: -32_600, message: expect.stringContaining('at most 4194304 bytes') } },
    { jsonrpc: '2.0', id: 2, result: {} },
  ]);
  expect(peakOf(mcp.child.pid) - before).toBeLessThan(60);
});

it('waits for a thousand jobs at a time, and wakes them all', async () => {
  await using jobs = await jobsRoot();
  const gate = `${jobs.path}/gate`;
  const { job_id: id } = await jobs.answer([
    'run',
    '--until',
    '0',
    '--',
    `while ! test -e ${gate}; do sleep 0.05; done`,
  ]);
  await using mcp = speak(jobs);
  const calls = Array.from({ length: 1_000 }, (_, at) => toolCall(at, 'wait', { job_id: id, until: 50 }));
  mcp.send(...opening, ...calls, { jsonrpc: '2.0', id: 'ping', method: 'ping' });
  await eventually('the answer that nobody waits for', () => mcp.answers().some(({ id: of }) => of === 'ping'));
  expect(mcp.answers()).toHaveLength(2);
  await jobs.answer(['run', '--', 'touch', gate]);
  await eventually('a thousand answers', () => mcp.answers().length === 1_002);
  for (const { result } of mcp.answers().slice(2))
    expect(result?.structuredContent).toMatchObject({ type: 'wait', job_id: id, state: 'exited' });
});

it('refuses more calls at a time than it can hold', async () => {
  await using jobs = await jobsRoot();
  const { job_id: id } = await jobs.answer(['run', '--until', '0', '--', 'sleep', '60']);
  await using mcp = speak(jobs);
  const calls = Array.from({ length: 2_050 }, (_, at) => toolCall(at, 'wait', { job_id: id, until: 50 }));
  mcp.send(...opening, ...calls);
  await eventually('two refusals', () => mcp.answers().filter(({ error }) => error).length === 2);
  await jobs.answer(['kill', String(id)]);
  await eventually('an answer to each', () => mcp.answers().length === 2_051);
  expect(mcp.answers().filter(({ error }) => error?.code === -32_000)).toHaveLength(2);
});

it('does not answer a call that was cancelled, and the job goes on', async () => {
  await using jobs = await jobsRoot();
  const { job_id: id } = await jobs.answer(['run', '--until', '0', '--', 'sleep', '60']);
  await using mcp = speak(jobs);
  mcp.send(...opening, toolCall(1, 'wait', { job_id: id, until: 50 }), toolCall(2, 'status', { job_id: id }));
  await eventually('the other answer', () => mcp.answers().some(({ id: of }) => of === 2));
  mcp.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } });
  mcp.send({ jsonrpc: '2.0', id: 3, method: 'ping' });
  await eventually('the next answer', () => mcp.answers().some(({ id: of }) => of === 3));
  mcp.child.stdin?.end();
  await mcp.ended;
  expect(mcp.answers().map(({ id: of }) => of)).toEqual(['open', 2, 3]);
  expect(await jobs.answer(['status', String(id)])).toMatchObject({ state: 'running' });
});

it('holds little for a client that never reads', async () => {
  await using jobs = await jobsRoot();
  const { job_id: id } = await jobs.answer(['run', '--', 'head -c 200000 /dev/zero | tr "\\0" x']);
  const mcp = speak(jobs);
  mcp.send(...opening);
  await eventually('the opening', () => mcp.answers().length === 1);
  const before = peakOf(mcp.child.pid);
  const { stdout } = mcp.child;
  stdout?.once('data', () => stdout.pause());
  const given = { job_id: id, lines: 0, max_bytes: 200_000 };
  mcp.send(...Array.from({ length: 400 }, (_, at) => toolCall(at, 'tail', given))); // 160 MB of answers
  // It has begun to answer, and may have left calls where they are.
  await eventually('the server is waiting', () => stdout?.isPaused() === true && isAsleep(mcp.child.pid));
  expect(peakOf(mcp.child.pid) - before).toBeLessThan(80);
  mcp.child.kill('SIGKILL');
  stdout?.destroy();
  await mcp.ended;
});

/** True when it has used no processor for a moment. */
function isAsleep(pid: number | undefined): boolean {
  const ticks = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ').slice(13, 15).join();
  const before = ticks();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  return ticks() === before;
}

it('answers what is still asked when the client closes its end, and leaves', async () => {
  await using jobs = await jobsRoot();
  const mcp = speak(jobs);
  mcp.send(...opening, toolCall(1, 'run', { command: ['echo', 'x'] }));
  mcp.child.stdin?.end();
  expect((await mcp.ended).status).toBe(0);
  expect(mcp.answers().find(({ id }) => id === 1)?.result?.structuredContent).toMatchObject({ stdout: 'x\n' });
});

it('what a job prints stays what it printed, though it looks like the protocol', async () => {
  await using jobs = await jobsRoot();
  await using mcp = speak(jobs);
  const printed = `${JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} })}\n\u2028{"method":"notifications/cancelled"}\r\n`;
  mcp.send(...opening, toolCall(1, 'run', { command: ['printf', '%s', printed] }));
  await eventually('the answer', () => mcp.answers().length === 2);
  expect(mcp.answers()[1]).toMatchObject({
    id: 1,
    result: { structuredContent: { stdout: printed, state: 'exited' } },
  });
});

it.each(['SIGKILL', 'SIGTERM'] as const)(
  '%s of the server in a wait: the job lives, and the next one answers',
  async (signal) => {
    await using jobs = await jobsRoot();
    const first = speak(jobs);
    first.send(...opening, toolCall(1, 'run', { command: ['sleep', '60'], until: 0 }));
    await eventually('the job', () => first.answers().length === 2);
    const id = String(first.answers()[1]?.result?.structuredContent?.job_id);
    first.send(toolCall(2, 'wait', { job_id: id, until: 50 }), { jsonrpc: '2.0', id: 3, method: 'ping' });
    await eventually('it waits', () => first.answers().length === 3);
    first.child.kill(signal);
    await first.ended;
    await using second = speak(jobs);
    second.send(...opening, toolCall(1, 'wait', { job_id: id, until: 0 }), toolCall(2, 'kill', { job_id: id }));
    await eventually('the answers', () => second.answers().length === 3);
    const [waited, killed] = second
      .answers()
      .slice(1)
      .sort((a, b) => Number(a.id) - Number(b.id));
    expect(waited?.result?.structuredContent).toMatchObject({ type: 'wait', job_id: id });
    expect(killed?.result?.structuredContent).toMatchObject({ type: 'kill', state: 'killed' });
  },
);
