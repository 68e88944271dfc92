/** Watching a run through `job.tail.<pc>`: a real agent, a real broker, and whoever asks. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobTailReply } from '@kanade/shared/fleet';
import { eventually, natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import type { Site } from './agent-process.ts';
import { commandFor } from './operator.ts';
import { openWatched } from './watched.ts';

async function open(path: string) {
  const { connection, ...watched } = await openWatched(path);
  const ask = async (question: object | string): Promise<JobTailReply> => {
    const body = typeof question === 'string' ? question : JSON.stringify(question);
    return (await connection.request('job.tail.pc-1', body, { timeout: 30_000 })).json();
  };
  return { ...watched, ask };
}

/** A script that waits for a file of the site between two steps. */
const gate = (site: Site, name: string) => ({
  script: `until [ -e ${join(site.path, name)} ]; do sleep 0.02; done`,
  open: () => writeFileSync(join(site.path, name), ''),
});

/** Reads a run to its end as a follower does; returns what it has seen and how it ended. */
async function follow(ask: (question: object) => Promise<JobTailReply>, ids: object) {
  const seen = { stdout: '', stderr: '' };
  const at = { stdout_from: 0, stderr_from: 0 };
  for (;;) {
    const reply = await ask({ ...ids, ...at, wait_ms: 10_000 });
    expect(reply).toMatchObject(reply.found ? at : {});
    seen.stdout += reply.stdout ?? '';
    seen.stderr += reply.stderr ?? '';
    at.stdout_from = reply.stdout_to ?? 0;
    at.stderr_from = reply.stderr_to ?? 0;
    if (reply.state === 'ended' && !reply.more) return { ...seen, reply };
  }
}

describe.each(await natsServers())('watching a run with nats-server $version', ({ path }) => {
  it('answers as soon as something was printed, by any id of the run, and tells the end', async () => {
    const { operator, site, ask } = await open(path);
    const [first, last] = [gate(site, 'first'), gate(site, 'last')];
    const command = commandFor(
      `echo ready; ${first.script}; printf 'caf\\303'; echo oops >&2; ${last.script}; printf '\\251\\n'; exit 3`,
    );
    const ids = [{ request_id: command.request_id }, { exec_id: command.exec_id }];
    expect(await ask(ids[0] as object)).toEqual({ found: false });
    // Who asks before the run is there is answered when it comes.
    const early = ask({ ...ids[1], wait_ms: 20_000 });
    await operator.order('commands.pc.pc-1.job', command);
    expect(await early).toMatchObject({ found: true });
    const { result_id = '' } = await operator.started(command.request_id);
    let reply = await ask({ result_id, stdout_from: 0, stderr_from: 0, wait_ms: 20_000 });
    expect(reply).toMatchObject({
      result_id,
      state: 'running',
      stdout: 'ready\n',
      stdout_from: 0,
      stdout_to: 6,
      more: false,
    });
    const waiting = ask({ ...ids[0], stdout_from: 6, stderr_from: 0, wait_ms: 20_000 });
    first.open();
    reply = await waiting;
    while (!(reply.stdout_to === 9 && reply.stderr_to === 5)) {
      reply = await ask({ ...ids[0], stdout_from: 6, stderr_from: 0, wait_ms: 1 });
    }
    // A character that is not whole yet stays where it is.
    expect(reply).toMatchObject({ stdout: 'caf', stdout_from: 6, stderr: 'oops\n', running: true });
    expect(await ask({ ...ids[0], stdout_from: 9, stderr_from: 5, wait_ms: 50 })).toMatchObject({
      stdout: '',
      stdout_to: 9,
    });
    last.open();
    const end = await follow(ask, { result_id });
    expect(end).toMatchObject({ stdout: 'ready\ncafé\n', stderr: 'oops\n' });
    expect(end.reply).toMatchObject({ state: 'ended', running: false, kept: true, status: 'failed', exit_code: 3 });
    // An agent of before, and its operator, know one field.
    expect(await ask({ result_id })).toMatchObject({
      found: true,
      running: false,
      stdout: 'ready\ncafé\n',
      stdout_truncated: false,
    });
  });

  it('goes on at the same byte with the next agent, whatever ends the one before', async () => {
    const { operator, site, agent, start, ask } = await open(path);
    const lines = Array.from({ length: 400 }, (_, at) => `line ${at} é\n`).join('');
    const done = gate(site, 'done');
    const command = commandFor(
      `i=0; while [ $i -lt 400 ]; do echo "line $i é"; i=$((i+1)); done; ${done.script}; echo end`,
    );
    await operator.order('commands.pc.pc-1.job', command);
    await operator.started(command.request_id);
    const from = { request_id: command.request_id, stdout_from: Buffer.byteLength(lines), stderr_from: 0 };
    await eventually('all lines are there', async () => (await ask(from)).stdout_from === from.stdout_from);
    const held = ask({ ...from, wait_ms: 20_000 });
    await ask({}); // what was asked before it has come
    // A held answer does not keep the agent, nor does the agent keep who waits.
    expect((await agent.end()).code).toBe(0);
    expect(await held).toMatchObject({ found: true, stdout: '' });
    await start();
    done.open();
    const { stdout } = await follow(ask, { exec_id: command.exec_id });
    expect(stdout).toBe(`${lines}end\n`);
  });

  it('says that it keeps nothing of a run that was never started, and of one whose output went', async () => {
    const { operator, site, ask } = await open(path);
    const refused = commandFor('true', { shell: 'cmd' });
    const gone = commandFor('echo gone');
    for (const command of [refused, gone]) {
      await operator.order('commands.pc.pc-1.job', command);
      await operator.result(command.request_id);
    }
    const none = { found: true, state: 'ended', kept: false, stdout: '', more: false };
    expect(await ask({ request_id: refused.request_id })).toMatchObject(none);
    expect(await ask({ request_id: gone.request_id })).toMatchObject({ ...none, kept: true, stdout: 'gone\n' });
    const jobs = join(site.data, 'jobs');
    for (const name of readdirSync(jobs)) rmSync(join(jobs, name), { recursive: true });
    expect(await ask({ request_id: gone.request_id, stdout_from: 3 })).toMatchObject({ ...none, stdout_from: 3 });
  });

  it('answers what cannot be understood with a reason, and large output in pieces that a message carries', async () => {
    const { operator, agent, ask } = await open(path);
    for (const [question, error] of [
      ['{', 'the question is no JSON'],
      ['[]', 'the question cannot be understood'],
      ['{"stdout_from":-1}', 'stdout_from must be at least 0'],
      ['{"wait_ms":1e400}', 'wait_ms'],
      [`{"result_id":"${'x'.repeat(5000)}"}`, 'the question is too long'],
      ['['.repeat(4000), 'the question is no JSON'],
      ['{"result_id":{}}', 'result_id must be a string'],
    ] as const) {
      expect(await ask(question)).toEqual({ found: false, error: expect.stringContaining(error) });
    }
    for (const id of ['', '../../x', "' OR 1=1 --", '\0'])
      expect(await ask({ result_id: id })).toEqual({ found: false });
    // A control character takes six bytes in the answer, a byte that is none three.
    const command = commandFor(
      "head -c 300000 /dev/zero | tr '\\0' '\\1'; head -c 100000 /dev/zero | tr '\\0' '\\377' >&2",
    );
    await operator.order('commands.pc.pc-1.job', command);
    const { stdout, stderr } = await follow(ask, { request_id: command.request_id });
    expect([stdout === '\x01'.repeat(300_000), stderr === '\ufffd'.repeat(100_000)]).toEqual([true, true]);
    const last = await ask({ request_id: command.request_id });
    expect(last).toMatchObject({ stdout_truncated: true, stdout_to: 300_000, stdout_from: 300_000 - 65_536 });
    // Beyond the end stands nothing, and the answer says where the end is.
    const beyond = { request_id: command.request_id, stdout_from: 9e15 };
    expect(await ask(beyond)).toMatchObject({ stdout: '', stdout_from: 300_000, stdout_to: 300_000 });
    expect(agent.log()).not.toContain('could not be answered');
  });
});
