import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually, natsServers, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { exampleJobs, startAgent } from './agent.ts';
import { answer, call, start } from './program.ts';

interface Result {
  pc_id: string;
  exit_code: number;
  skipped: boolean;
  stdout: string;
  stderr: string;
  ending: string;
}

describe.each(await natsServers())('fleet door on nats-server $version', ({ path }) => {
  it('setup, job put, exec --wait: the agent runs the job and the answer is printed', async () => {
    await using broker = await startNatsServer({ path });
    const env = { KANADE_NATS_URL: broker.url };
    await using _agent = await startAgent({ args: ['--server', broker.url] });
    expect(await answer(['fleet', 'setup'], { env })).toMatchObject({ ok: true, type: 'fleet.setup', status: 0 });
    expect(await answer(['fleet', 'job', 'put', `${exampleJobs}/disk-report.yaml`], { env })).toMatchObject({
      ok: true,
      status: 0,
    });
    const done = await answer(['fleet', 'exec', 'disk-report', '--pc', 'pc-1', '--wait'], { env });
    const [result] = done.results as Result[];
    expect(done).toMatchObject({ ok: true, type: 'fleet.exec', job_id: 'disk-report', status: 0 });
    expect(result).toMatchObject({ pc_id: 'pc-1', exit_code: 0, skipped: false, ending: 'exited' });
    expect(result?.stdout).toContain('File system');
    expect(await answer(['fleet', 'ping', 'pc-1'], { env })).toMatchObject({ ok: true, status: 0 });
  });

  it('kill stops a running order with its children', async () => {
    await using dir = await tempDir();
    const pidFile = `${dir.path}/pid`;
    const script = `sleep 300 & echo $! > ${pidFile}.new && mv ${pidFile}.new ${pidFile}; wait`;
    writeFileSync(
      `${dir.path}/long.yaml`,
      `id: long\nversion: 1.0.0\nexecute:\n  shell: sh\n  timeout: 5m\n  script: ${JSON.stringify(script)}\n`,
    );
    await using broker = await startNatsServer({ path });
    const env = { KANADE_NATS_URL: broker.url };
    await answer(['fleet', 'setup'], { env });
    await answer(['fleet', 'job', 'put', `${dir.path}/long.yaml`], { env });
    await using _agent = await startAgent({ args: ['--server', broker.url] });
    const waiting = start(['fleet', 'exec', 'long', '--pc', 'pc-1', '--wait'], { env });
    await eventually('the job’s child runs', () => existsSync(pidFile));
    const child = Number(readFileSync(pidFile, 'utf8'));
    const execId = await eventually(
      'the order is announced',
      () => /: ([0-9a-f-]{36})\n/.exec(waiting.text.stderr)?.[1],
    );
    expect(await answer(['fleet', 'kill', execId], { env })).toMatchObject({ ok: true, exec_id: execId });
    const { stdout } = await waiting.ended;
    expect(JSON.parse(stdout).results).toMatchObject([{ pc_id: 'pc-1', exit_code: -1, ending: 'killed' }]);
    await eventually('the child is gone', () => !existsSync(`/proc/${child}`));
  });

  it('an order for a machine that is away runs when it comes back, once', async () => {
    await using broker = await startNatsServer({ path });
    const env = { KANADE_NATS_URL: broker.url };
    await answer(['fleet', 'setup'], { env });
    await answer(['fleet', 'job', 'put', `${exampleJobs}/memory-pressure.yaml`], { env });
    const waiting = start(['fleet', 'exec', 'memory-pressure', '--pc', 'pc-1', '--wait'], { env });
    await eventually('the order is with the broker', () => waiting.text.stderr.includes('ordered'));
    await using _agent = await startAgent({ args: ['--server', broker.url] });
    const { stdout } = await waiting.ended;
    expect(JSON.parse(stdout).results).toMatchObject([{ pc_id: 'pc-1', exit_code: 0 }]);
  });
});

describe('fleet door, when it cannot work', () => {
  it('a broker that is away is one clear error', async () => {
    const failed = await answer(['fleet', 'setup'], { env: { KANADE_NATS_URL: 'nats://127.0.0.1:1' } });
    expect(failed).toMatchObject({ ok: false, status: 1, error: { code: 'broker_unreachable', retryable: true } });
    expect(failed.error?.message).toContain('nats://127.0.0.1:1');
  });

  it('a manifest that does not parse names path and line, and nothing is asked of a broker', async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/bad.yaml`;
    writeFileSync(file, 'id: bad\nversion: 1.0.0\nexecute:\n  shell: sh\n  timeuot: 5m\n  script: df\n');
    const failed = await answer(['fleet', 'job', 'put', file], { env: { KANADE_NATS_URL: 'nats://127.0.0.1:1' } });
    expect(failed).toMatchObject({ status: 1, error: { code: 'manifest_invalid' } });
    expect(JSON.stringify(failed.error)).toContain('execute.timeuot');
    expect(failed.error?.message).toContain('5');
  });

  it.each([
    [['fleet']],
    [['fleet', 'bogus']],
    [['fleet', 'exec', 'x']],
    [['fleet', 'exec', 'x', '--pc', 'a', '--all']],
    [['fleet', 'setup', '--server', 'nats://user:secret@127.0.0.1:4222']],
  ])('%j exits 2 with empty stdout', async (args) => {
    const { status, stdout, stderr } = await call(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).not.toBe('');
  });
});
