/** Whoever reads a job from cursor to cursor loses and repeats nothing, whatever is killed on the way. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { eventually, seeded } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type Json, jobsRoot, program, start } from './program.ts';
import { served } from './served.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;

const script = (text: string): string[] => ['--', 'sh', '-c', text];

async function begun(jobs: Root, text: string, options: readonly string[] = []): Promise<string> {
  const { job_id } = await jobs.answer(['run', '--no-wait', ...options, ...script(text)]);
  return String(job_id);
}

/** Calls that are killed at some moment, as often as not: their answer counts only when all of it came. */
async function readThroughKills(jobs: Root, id: string, seed: number): Promise<Json[]> {
  const random = seeded(seed);
  const answers: Json[] = [];
  while (answers.at(-1)?.ended !== true) {
    const from = (answers.at(-1)?.cursor as string | undefined) ?? '';
    const most = String(4 + Math.floor(random() * 5_000));
    const begin = from === '' ? ['--lines', '0'] : ['--cursor', from];
    const tail = ['tail', ...begin, '--max-bytes', most];
    const words = random() < 0.5 || from === '' ? tail : ['wait', '--until', '1', ...begin];
    const { child, ended } = start([...words, id], { env: { AGENT_EXEC_ROOT: jobs.root } });
    if (random() < 0.3) {
      await once(child, 'spawn');
      for (let count = random() * 20; count > 0; count--) await new Promise((resolve) => setImmediate(resolve));
      child.kill('SIGKILL');
    }
    const { status, stdout } = await ended;
    if (status === 0) answers.push(JSON.parse(stdout) as Json);
    if (status === 0) writeFileSync(`${jobs.path}/followed`, '');
  }
  return answers;
}

const told = (answers: readonly Json[], stream: 'stdout' | 'stderr'): string =>
  answers.map((answer) => answer[stream]).join('');

const oddText = 'aé€😀ß\n漢字😺\n';

/** Prints the text again and again on both streams, cut anywhere. */
const oddChunks = (count: number): string => `
  i=0
  while [ $i -lt ${count} ]; do
    dd if=text bs=1 skip=$((i * 7 % 300)) count=7 status=none
    dd if=text bs=1 skip=$((i * 5 % 300)) count=5 status=none >&2
    i=$((i + 1))
  done`;

describe('a follower', () => {
  it('that is killed between its reads loses and repeats nothing', async () => {
    await using jobs = await jobsRoot();
    writeFileSync(`${jobs.path}/text`, oddText.repeat(20));
    // It goes on when it is followed: what ends before that is told as what was, and nothing comes after it.
    const id = await begun(jobs, `${oddChunks(40)}\nuntil [ -e followed ]; do sleep 0.02; done\n${oddChunks(40)}`);
    // The first answer shows the end of what there was, and begins the chain.
    const chain = await readThroughKills(jobs, id, 1);
    for (const stream of ['stdout', 'stderr'] as const) {
      const [begin = 0] = (chain[0]?.[`${stream}_range`] as number[] | undefined) ?? [];
      const rest = readFileSync(`${jobs.root}/${id}/${stream}.log`).subarray(begin).toString('utf8');
      expect(told(chain, stream)).toBe(rest);
    }
    expect(chain.slice(1).flatMap(({ events }) => (events as Json[]).map(({ event }) => event))).toEqual(['ended']);
  });

  it('notices a restart, and tells the new run from its beginning', async () => {
    await using jobs = await jobsRoot();
    const id = await begun(jobs, 'echo one; echo two');
    const { cursor } = await jobs.answer(['wait', id]);
    await jobs.answer(['restart', id]);
    const again = await jobs.answer(['tail', '--cursor', String(cursor), id]);
    expect(again).toMatchObject({ noticed: 'restarted', stdout: 'one\ntwo\n', ended: true, more: false });
    expect((again.events as Json[]).map(({ event }) => event)).toEqual(['started', 'ended']);
    const nothing = await jobs.answer(['wait', '--cursor', String(again.cursor), id]);
    expect(nothing).toMatchObject({ stdout: '', events: [], ended: true, cursor: again.cursor });
    expect(nothing.noticed).toBeUndefined();
  });

  it('is told what was not kept, and reads on behind it', async () => {
    await using jobs = await jobsRoot();
    const noisy = 'echo first; until [ -e go ]; do sleep 0.01; done; seq 1 200000';
    const id = await begun(jobs, noisy, ['--log-bytes-max', '100000']);
    const first = await jobs.answer(['wait', '--match', 'first', id]);
    writeFileSync(`${jobs.path}/go`, '');
    await jobs.answer(['wait', id]);
    let gap: number[] | undefined;
    await eventually('the log is trimmed', async () => {
      gap = ((await jobs.answer(['status', id])).log_omitted as { stdout?: number[] } | undefined)?.stdout;
      return gap !== undefined;
    });
    const answers = [first];
    while (answers.at(-1)?.ended !== true)
      answers.push(await jobs.answer(['tail', '--cursor', String(answers.at(-1)?.cursor), id]));
    const log = readFileSync(`${jobs.root}/${id}/stdout.log`);
    expect(answers.flatMap(({ stdout_omitted: omitted }) => (omitted ? [omitted] : []))).toEqual([gap]);
    const [from = 0, to = 0] = gap ?? [];
    expect(told(answers, 'stdout')).toBe(`${log.subarray(0, from)}${log.subarray(to)}`);
  });

  it('begins with the answer of the call that started it, whatever that has told', async () => {
    await using jobs = await jobsRoot();
    const text = 'echo éé; until [ -e go ]; do sleep 0.01; done; echo rest; exit 3';
    const first = await jobs.answer(['run', '--until', '0', '--max-bytes', '3', ...script(text)]);
    writeFileSync(`${jobs.path}/go`, '');
    const rest = await jobs.answer(['wait', '--cursor', String(first.cursor), String(first.job_id)]);
    // A character that is cut in the one is whole in the other.
    expect(`${first.stdout}`.replace(/\uFFFD$/, '') + rest.stdout).toBe('éé\nrest\n');
    expect(rest).toMatchObject({ ended: true, exit_code: 3 });
    const again = await jobs.answer(['restart', '--forever', '--max-bytes', '4', String(first.job_id)]);
    expect(again).toMatchObject({ state: 'exited', stdout: 'éé', stdout_range: [0, 4] });
    const more = await jobs.answer(['tail', '--cursor', String(again.cursor), String(first.job_id)]);
    expect(more).toMatchObject({ stdout: '\nrest\n', events: [{ event: 'ended' }], ended: true });
  });

  it('with a cursor that is none, or of another job, is told what to do', async () => {
    await using jobs = await jobsRoot();
    const [one, two] = [await begun(jobs, 'echo x'), await begun(jobs, 'echo x')];
    const { cursor } = await jobs.answer(['wait', one]);
    for (const given of [
      '',
      'x',
      '../../etc/passwd',
      `${cursor}0`,
      'k2.a.0.0.0.0',
      'k1.'.padEnd(100_000, '9'),
      String(cursor),
    ]) {
      for (const command of ['tail', 'wait']) {
        const refused = await jobs.answer([command, `--cursor=${given}`, two]);
        expect(refused).toMatchObject({
          status: 1,
          error: { code: 'invalid_cursor', message: expect.stringContaining('give the one of the last') },
        });
      }
    }
    expect((await jobs.call(['tail', '--cursor', String(cursor), '--lines', '3', one])).status).toBe(2);
  });
});

describe('watch', () => {
  it('tells who leaves it how to go on, and goes on there', async () => {
    await using jobs = await jobsRoot();
    const id = await begun(jobs, 'echo é; sleep 60');
    const { child, text, ended } = start(['watch', id], { env: { AGENT_EXEC_ROOT: jobs.root } });
    await new Promise<void>((resolve) => child.stdout?.on('data', () => text.stdout.includes('é\n') && resolve()));
    child.kill('SIGINT');
    const { stderr } = await ended;
    const [, cursor = ''] = /watch --cursor (\S+) /.exec(stderr) ?? [];
    await jobs.answer(['kill', id]);
    expect(await jobs.call(['watch', '--cursor', cursor, id])).toEqual({ status: 0, stdout: '', stderr: '' });
    const other = await jobs.call(['watch', '--cursor', cursor.replace(/\.\d+\.\d+\.\d$/, '.0.0.0'), id]);
    expect(other).toEqual({ status: 0, stdout: 'é\n', stderr: '' });
  });
});

describe('wait --match', () => {
  it('returns when the output says so; the cursor stands behind the line', async () => {
    await using jobs = await jobsRoot();
    const id = await begun(jobs, 'echo start; echo "ready é" >&2; echo after >&2; sleep 60');
    const found = await jobs.answer(['wait', '--match', 'ready', id]);
    expect(found).toMatchObject({
      status: 0,
      state: 'running',
      matched: { stream: 'stderr', line: 'ready é', offset: 0 },
    });
    const late = await jobs.answer(['wait', '--match', 'ready', '--until', '0', '--cursor', String(found.cursor), id]);
    expect(late).toMatchObject({ status: 124, matched: null, state: 'running', ended: false });
    const regex = ['--match', '^r.*\\p{L}$', '--match-type', 'regex', '--stream', 'stderr'];
    expect(await jobs.answer(['wait', ...regex, id])).toMatchObject({ status: 0, matched: { line: 'ready é' } });
    const end = jobs.answer(['wait', '--match', 'ready', '--stream', 'stdout', '--cursor', String(found.cursor), id]);
    await jobs.answer(['kill', id]);
    expect(await end).toMatchObject({ status: 3, matched: null, state: 'killed', ended: true });
  });

  it('no expression and no line stalls it', async () => {
    await using jobs = await jobsRoot();
    const id = await begun(jobs, 'head -c 100000 /dev/zero | tr "\\0" a; echo "!"');
    const dear = ['--match', '^(a+)+$', '--match-type', 'regex'];
    expect(await jobs.answer(['wait', ...dear, id])).toMatchObject({
      status: 0,
      matched: { line: expect.stringMatching(/^a+$/) },
    });
    expect(await jobs.answer(['wait', '--match', '^(a+)+b', '--match-type', 'regex', id])).toMatchObject({ status: 3 });
    expect(await jobs.answer(['wait', '--match', '(a)\\1', '--match-type', 'regex', id])).toMatchObject({
      status: 1,
      error: { code: 'invalid_pattern' },
    });
    for (const words of [
      ['--match-type', 'regex'],
      ['--match', 'a\nb'],
      ['--match', 'a', '--stream', 'both'],
      ['--match', 'a', '--exit-code'],
    ])
      expect((await jobs.call(['wait', ...words, id])).status, words.join(' ')).toBe(2);
  });
});

it('kanade serve says the same: a cursor, a line that matches, and refusals', async () => {
  await using server = await served();
  const ran = await server.answer('/exec', {
    json: { command: ['sh', '-c', 'echo one; echo ready; echo two'], wait: false },
  });
  const id = String(ran.job_id);
  const found = await server.answer(`/wait/${id}?match=${encodeURIComponent('^re.dy$')}&match_type=regex`);
  expect(found).toMatchObject({
    status: 200,
    matched: { stream: 'stdout', line: 'ready', offset: 4 },
    stdout: 'one\nready\n',
  });
  const since = await server.answer(`/wait/${id}?cursor=${found.cursor}`);
  expect(since).toMatchObject({ status: 200, stdout: 'two\n', ended: true, more: false });
  expect(await server.jobs.answer(['tail', '--cursor', String(since.cursor), id])).toMatchObject({
    stdout: '',
    ended: true,
  });
  expect(await server.answer(`/tail/${id}?cursor=nonsense`)).toMatchObject({
    status: 400,
    error: { code: 'invalid_cursor' },
  });
  expect(await server.answer(`/wait/${id}?match=(&match_type=regex`)).toMatchObject({
    status: 400,
    error: { code: 'invalid_pattern' },
  });
  expect(await server.answer(`/wait/${id}?stream=stderr`)).toMatchObject({
    status: 400,
    error: { code: 'invalid_pattern' },
  });
});

it('docs/guide/cursors.md: its commands run as they stand', async () => {
  await using jobs = await jobsRoot();
  const page = readFileSync(new URL('../../../docs/guide/cursors.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
  expect(blocks.length).toBeGreaterThan(4);
  const quoted = program.map((word) => `'${word}'`).join(' ');
  // The last command is refused, and that is what is looked for; any other that fails ends the script.
  const text = `set -e\nkanade() { ${quoted} "$@"; }\n${blocks.join('')}`;
  expect(await jobs.call(['-c', text], { words: ['bash', '--norc'] })).toEqual({ status: 0, stdout: '', stderr: '' });
});
