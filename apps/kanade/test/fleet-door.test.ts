import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually, natsServers, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { exampleJobs, startAgent } from './agent.ts';
import { answerOrders } from './plain-nats.ts';
import { answer, call, program, start } from './program.ts';

interface Result {
  pc_id: string;
  exit_code: number;
  skipped: boolean;
  stdout: string;
  stderr: string;
  ending: string;
}

const jobText = ({ id, script, timeout = '5m' }: { id: string; script: string; timeout?: string }): string =>
  `id: ${id}\nversion: 1.0.0\nexecute:\n  shell: sh\n  timeout: ${timeout}\n  script: ${JSON.stringify(script)}\n`;

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
    await using dir = await tempDir();
    const odd = `${dir.path}/odd.yaml`;
    writeFileSync(odd, `${jobText({ id: 'odd', script: 'true' })}require_approval: true\ninventory: { display: [] }\n`);
    const notes = ['require_approval: nobody can be asked for an approval yet, so ', 'inventory: what the job prints'];
    expect(await answer(['fleet', 'job', 'put', odd], { env })).toMatchObject({
      ok: true,
      jobs: [{ id: 'odd', notes: notes.map((note) => expect.stringContaining(note)) }],
    });
    expect(await answer(['fleet', 'exec', 'odd', '--pc', 'pc-1'], { env })).toMatchObject({
      ok: false,
      error: { code: 'job_unserved', message: expect.stringContaining('require_approval') },
    });
    expect(await answer(['fleet', 'ping', 'pc-1'], { env })).toMatchObject({ ok: true, status: 0 });
  });

  it('exec --wait prints output of any size, from a message or from the object store', async () => {
    await using dir = await tempDir();
    await using broker = await startNatsServer({ path });
    const env = { KANADE_NATS_URL: broker.url };
    await answer(['fleet', 'setup'], { env });
    await using _agent = await startAgent({ args: ['--server', broker.url] });
    for (const bytes of [1_000, 300 * 1_024, 8_192 * 1_024]) {
      const id = `prints-${bytes}`;
      const script = `yes 0123456789 | head -c ${bytes}`;
      writeFileSync(`${dir.path}/job.yaml`, jobText({ id, script }));
      await answer(['fleet', 'job', 'put', `${dir.path}/job.yaml`], { env });
      const done = await answer(['fleet', 'exec', id, '--pc', 'pc-1', '--wait'], { env });
      const [result] = done.results as Result[];
      expect(done).toMatchObject({ ok: true, status: 0 });
      expect(result?.stdout.length).toBe(bytes);
      expect(result?.stdout.startsWith('0123456789\n0123456789\n')).toBe(true);
    }
  });

  it('exec --wait fails when the output of a result cannot be fetched, and still shows the result', async () => {
    await using dir = await tempDir();
    await using broker = await startNatsServer({ path });
    const env = { KANADE_NATS_URL: broker.url };
    await answer(['fleet', 'setup'], { env });
    writeFileSync(`${dir.path}/job.yaml`, jobText({ id: 'gone', script: 'true' }));
    await answer(['fleet', 'job', 'put', `${dir.path}/job.yaml`], { env });
    const times = { started_at: '2026-01-02T03:04:05Z', finished_at: '2026-01-02T03:04:06Z' };
    const ended = { result_id: 'r-1', pc_id: 'pc-9', exit_code: 0, stdout: '', stderr: '', ...times };
    await using _machine = await answerOrders(broker.url, {
      subject: 'commands.pc.pc-9.gone',
      resultOf: ({ request_id }) => ({ ...ended, request_id, stdout_object: 'r-1/stdout' }),
    });
    const failed = await answer(['fleet', 'exec', 'gone', '--pc', 'pc-9', '--wait'], { env });
    expect(failed).toMatchObject({ ok: false, status: 1, error: { code: 'output_unavailable' } });
    expect(failed.error?.message).toContain('stdout of pc-9 (r-1/stdout: missing)');
    expect(failed.error?.details).toMatchObject({
      results: [{ pc_id: 'pc-9', exit_code: 0, stdout_object: 'r-1/stdout' }],
    });
  });

  it('kill stops a running order with its children', async () => {
    await using dir = await tempDir();
    const pidFile = `${dir.path}/pid`;
    const script = `sleep 300 & echo $! > ${pidFile}.new && mv ${pidFile}.new ${pidFile}; wait`;
    writeFileSync(`${dir.path}/long.yaml`, jobText({ id: 'long', script }));
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
    expect(await answer(['fleet', 'kill', execId], { env })).toMatchObject({
      ok: true,
      exec_id: execId,
      stopped: [{ pc_id: 'pc-1', ending: 'killed' }],
    });
    const { stdout } = await waiting.ended;
    expect(JSON.parse(stdout).results).toMatchObject([{ pc_id: 'pc-1', exit_code: -1, ending: 'killed' }]);
    await eventually('the child is gone', () => !existsSync(`/proc/${child}`));
  });

  it('exec --wait on a terminal: a line while it waits, a sentence and a table, and the exit code of the job', async () => {
    await using dir = await tempDir();
    const script = `until [ -e ${dir.path}/go ]; do sleep 0.05; done; echo said; exit 7`;
    writeFileSync(
      `${dir.path}/gated.yaml`,
      `id: gated\nversion: 1.0.0\nexecute:\n  shell: sh\n  timeout: 1m\n  script: ${JSON.stringify(script)}\n`,
    );
    await using broker = await startNatsServer({ path });
    const env = { KANADE_NATS_URL: broker.url, TERM: 'xterm', NO_COLOR: '' };
    await answer(['fleet', 'setup'], { env });
    await answer(['fleet', 'job', 'put', `${dir.path}/gated.yaml`], { env });
    await using _agent = await startAgent({ args: ['--server', broker.url] });
    const words = [...program, 'fleet', 'exec', 'gated', '--pc', 'pc-1', '--wait'].map((word) => `'${word}'`).join(' ');
    const waiting = start(['-qefc', words, '/dev/null'], { words: ['script'], env });
    await eventually('the line is shown', () =>
      /waiting for gated on pc-1: \d+ s, 0 of 1 answered/.test(waiting.text.stdout),
    );
    writeFileSync(`${dir.path}/go`, '');
    const { status, stdout } = await waiting.ended;
    const said = stdout.replaceAll('\x1b', 'ESC').replaceAll('\r\n', '\n');
    expect(status).toBe(7);
    expect(said).toMatch(/ESC\[31m✗ gated 1\.0\.0 on pc-1: exited 7 after [\d.]+ m?sESC\[0m\n/);
    expect(said).toMatch(/ESC\[1mmachineESC\[0m[\s\S]*--- stdoutESC\[0m\nsaid\n$/);
    const piped = await answer(['fleet', 'exec', 'gated', '--pc', 'pc-1', '--wait'], { env });
    expect(piped).toMatchObject({ ok: true, status: 0, results: [{ exit_code: 7 }] });
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
