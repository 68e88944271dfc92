/** Contract, sections 1.5 and 7.5: what is printed for 2 s after the end of the root process belongs to the job. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobsRoot, program } from './program.ts';

const idOf = (value: Record<string, unknown>): string => String(value.job_id);
const linesOf = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\S+Z /, ''));

describe('an ending is complete when its output is', () => {
  it.each([
    // Later than what runs on and is silent is answered for.
    ['a background member', 'echo first; (sleep 1.2; echo late) &', 'first\nlate\n'],
    ['a member with a session of its own', 'echo first; setsid sh -c "sleep 0.4; echo late" &', 'first\nlate\n'],
    ['a process substitution', "exec bash -c 'exec > >(sleep 0.2; cat); echo hi'", 'hi\n'],
  ])('run shows what %s prints', async (_name, script, stdout) => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['run', '--', script])).toMatchObject({ state: 'exited', exit_code: 0, stdout });
  });

  it('wait, of whoever, answers with it, past its own deadline too', async () => {
    await using jobs = await jobsRoot();
    const id = idOf(await jobs.answer(['run', '--no-wait', '--', 'sleep 0.2; (sleep 0.5; echo late) &']));
    await eventually('its root process has ended', async () => (await jobs.answer(['status', id])).state === 'exited');
    expect(await jobs.answer(['wait', '--until', '0', id])).toMatchObject({ state: 'exited', stdout: 'late\n' });
    expect(JSON.parse(readFileSync(`${jobs.root}/${id}/state.json`, 'utf8')).logs_drained).toBe(true);
  });

  it('what prints for longer keeps nobody waiting for more than 2 s, and status names it', async () => {
    await using jobs = await jobsRoot();
    const startedMs = performance.now();
    const id = idOf(await jobs.answer(['run', '--forever', '--', '(sleep 60; echo never) & echo $!']));
    expect(performance.now() - startedMs).toBeGreaterThan(1_900);
    expect(performance.now() - startedMs).toBeLessThan(50_000);
    const left = Number(readFileSync(`${jobs.root}/${id}/stdout.log`, 'utf8'));
    const status = await jobs.answer(['status', id]);
    expect(status).toMatchObject({ state: 'exited', left_running: expect.arrayContaining([left]) });
    for (const pid of status.left_running as number[]) process.kill(pid, 'SIGKILL');
    await eventually('nothing is left', async () => (await jobs.answer(['status', id])).left_running === undefined);
  });

  it('matches in such lines are told', async () => {
    await using jobs = await jobsRoot();
    const told = `${jobs.path}/told`;
    const match = ['--output-pattern', 'late', '--output-file', told];
    await jobs.answer(['run', '--forever', ...match, '--', '(sleep 0.4; echo late) &']);
    await eventually('the match', () => readFileSync(told, 'utf8').endsWith('\n'));
    expect(JSON.parse(readFileSync(told, 'utf8'))).toMatchObject({ event_type: 'job.output.matched', line: 'late' });
  });
});

describe('full.log', () => {
  it('has the lines of both streams in the order in which they came, and late ones', async () => {
    await using jobs = await jobsRoot();
    // Each line waits until the one before it was taken: what comes within one look of the keeper has no order between streams.
    const taken = 'taken() { until grep -qs " $1" jobs/*/full.log; do sleep 0.01; done; }';
    const lines = 'for n in 1 2 3; do echo o$n; taken "\\[STDOUT\\] o$n"; echo e$n >&2; taken "\\[STDERR\\] e$n"; done';
    const script = `${taken}; ${lines}; (sleep 0.3; echo late) &`;
    const id = idOf(await jobs.answer(['run', '--forever', '--', script]));
    const expected = [1, 2, 3].flatMap((n) => [`[STDOUT] o${n}`, `[STDERR] e${n}`]);
    expect(linesOf(`${jobs.root}/${id}/full.log`)).toEqual([...expected, '[STDOUT] late']);
  });

  it('has all of a large output soon after its end', async () => {
    await using jobs = await jobsRoot();
    const line = 'x'.repeat(99);
    const id = idOf(await jobs.answer(['run', '--max-bytes', '1', '--', `yes ${line} | head -n 200000`]));
    const full = `${jobs.root}/${id}/full.log`;
    const bytes = 200_000 * '2026-01-01T00:00:00Z [STDOUT] '.length + 200_000 * 100;
    await eventually('all of it', () => statSync(full).size === bytes);
    expect(linesOf(full).every((text) => text === `[STDOUT] ${line}`)).toBe(true);
  });
});

describe('input', () => {
  const pipeline = async (script: string, env: NodeJS.ProcessEnv) => {
    const words = program.map((word) => `'${word}'`).join(' ');
    const child = spawn('bash', ['-c', script.replace('KANADE', words)], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await once(child, 'close');
    return JSON.parse(text) as Record<string, unknown>;
  };

  it('of a slow writer beside us is waited for', async () => {
    await using jobs = await jobsRoot();
    const answer = await pipeline('(sleep 2; echo slow) | KANADE run -- cat', { AGENT_EXEC_ROOT: jobs.root });
    expect(answer).toMatchObject({ exit_code: 0, stdout: 'slow\n' });
    expect(answer.stdin).toBeUndefined();
  });

  it('that was not taken is said to be so', async () => {
    await using jobs = await jobsRoot();
    // The writing end is held by the caller alone, which never closes it.
    const script = 'mkfifo "$FIFO"; exec 4<>"$FIFO"; KANADE run -- cat <&4';
    const answer = await pipeline(script, { AGENT_EXEC_ROOT: jobs.root, FIFO: `${jobs.path}/fifo` });
    expect(answer).toMatchObject({ state: 'exited', stdout: '', stdin: expect.stringMatching(/^not taken: the pipe/) });
  });
});

it('values of masked variables stand in no meta.json, in a file that is their owner’s alone, and in the next run', async () => {
  await using jobs = await jobsRoot();
  const options = ['--env', 'TOKEN=s3cret', '--env', 'PLAIN=p', '--mask', 'TOKEN'];
  const id = idOf(await jobs.answer(['create', ...options, '--', 'echo $TOKEN $PLAIN']));
  const meta = readFileSync(`${jobs.root}/${id}/meta.json`, 'utf8');
  expect(meta).not.toContain('s3cret');
  expect(JSON.parse(meta)).toMatchObject({ env_vars: ['TOKEN=***', 'PLAIN=p'], env_vars_runtime: ['PLAIN=p'] });
  expect(statSync(`${jobs.root}/${id}/masked-env.json`).mode & 0o777).toBe(0o600);
  for (const again of ['start', 'restart'])
    expect(await jobs.answer([again, id])).toMatchObject({ stdout: 's3cret p\n' });
});
