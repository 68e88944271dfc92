/** One way to say how an answer is printed, for every door: by option, environment, configuration file, or by who reads it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { openOutbox } from '@kanade/outbox';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jobsRoot, program } from './program.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;

/** A call of each door that needs nothing but a place, by its words. */
const doors: readonly (readonly [string, readonly string[], string])[] = [
  ['local', ['list'], 'list'],
  ['local group', ['tag', 'set', 'nope'], 'error'],
  ['fleet', ['fleet', 'agents'], 'error'],
  ['fleet group', ['fleet', 'job', 'list'], 'error'],
  ['outbox', ['outbox', 'count', 'state.db'], 'outbox.count'],
];

/** A place with an outbox in it; no broker is where this environment says. */
async function place(): Promise<Root & { readonly env: Record<string, string> }> {
  const jobs = await jobsRoot();
  await using outbox = openOutbox({ path: `${jobs.path}/state.db` });
  await outbox.enqueue({ id: 'one', subject: 's', body: new TextEncoder().encode('x') });
  return { ...jobs, env: { KANADE_NATS_URL: 'nats://127.0.0.1:1' } };
}

const readers = {
  json: (text: string): unknown => JSON.parse(text),
  yaml: (text: string): unknown => (text.startsWith('{') ? undefined : parse(text)),
  human: (text: string): unknown => (/^[{\w]+:|^\{/.test(text) ? undefined : text),
};
type Form = keyof typeof readers;

/** Every place among the words of a call where an option may stand. */
const positions = (words: readonly string[], option: string): string[][] =>
  words.map((_, at) => [...words.slice(0, at), option, ...words.slice(at)]).concat([[...words, option]]);

describe.each(doors)('%s', (_, words, type) => {
  it.each(['json', 'yaml', 'human'] as const)('--%s, wherever it stands', async (form: Form) => {
    await using jobs = await place();
    for (const args of positions(words, `--${form}`)) {
      const { stdout } = await jobs.call(args, { env: jobs.env });
      const read = readers[form](stdout);
      expect([args, read]).toEqual([args, form === 'human' ? stdout : expect.objectContaining({ type })]);
      if (form === 'human') expect([args, stdout]).toEqual([args, expect.stringMatching(/no jobs|✗ |✓ /)]);
    }
  });

  it('KANADE_OUTPUT chooses, and an option beats it', async () => {
    await using jobs = await place();
    for (const form of ['json', 'yaml', 'human'] as const) {
      const { stdout } = await jobs.call(words, { env: { ...jobs.env, KANADE_OUTPUT: form } });
      expect(readers[form](stdout)).toBeTruthy();
    }
    const { stdout } = await jobs.call([...words, '--json'], { env: { ...jobs.env, KANADE_OUTPUT: 'human' } });
    expect(JSON.parse(stdout)).toMatchObject({ type });
    const wrong = await jobs.call(words, { env: { ...jobs.env, KANADE_OUTPUT: 'xml' } });
    expect(wrong).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('KANADE_OUTPUT must be one of'),
    });
  });

  it('is one line of JSON in a pipe, whatever the configuration file prefers', async () => {
    await using jobs = await place();
    mkdirSync(`${jobs.path}/.config/agent-exec`, { recursive: true });
    writeFileSync(`${jobs.path}/.config/agent-exec/config.toml`, 'output = "human"\n');
    const { stdout } = await jobs.call(words, { env: jobs.env });
    expect([stdout.split('\n').length, JSON.parse(stdout)]).toMatchObject([2, { schema_version: '0.1', type }]);
  });

  it('-v says what the call is about, wherever it stands, and nothing of it is on standard output', async () => {
    await using jobs = await place();
    for (const args of positions(words, '-v')) {
      const { stdout, stderr } = await jobs.call(args, { env: jobs.env });
      expect(JSON.parse(stdout)).toMatchObject({ type });
      expect(stderr).toMatch(/ INFO [\w ]+: (jobs root \/|broker nats:\/\/127|file state\.db)/);
    }
  });
});

describe('on a terminal', () => {
  const quoted = (args: readonly string[]): string => [...program, ...args].map((word) => `'${word}'`).join(' ');

  /** Standard output and error of a call are one terminal; its escape character is spelled out. */
  async function onTerminal(jobs: Root, args: readonly string[], env: Record<string, string> = {}) {
    const more = { words: ['script'], env: { TERM: 'xterm', NO_COLOR: '', ...env } };
    const { status, stdout } = await jobs.call(['-qefc', quoted(args), '/dev/null'], more);
    return { status, stdout: stdout.replaceAll('\x1b', 'ESC') };
  }

  it('fleet and outbox answer for people, local commands with JSON', async () => {
    await using jobs = await place();
    expect(await onTerminal(jobs, ['outbox', 'count', 'state.db'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(
        /^ESC\[32m✓ 1 record to deliver, 0 in quarantine, 0 lostESC\[0m\r\n[\s\S]*ready +1 +/,
      ),
    });
    const failed = await onTerminal(jobs, ['fleet', 'job', 'list'], jobs.env);
    expect(failed.status).toBe(1);
    expect(failed.stdout).toMatch(/ESC\[31m✗ connecting to nats:\/\/127\.0\.0\.1:1 failed/);
    expect(JSON.parse((await onTerminal(jobs, ['list'])).stdout)).toMatchObject({ type: 'list' });
    expect(JSON.parse((await onTerminal(jobs, ['outbox', 'count', 'state.db', '--json'])).stdout)).toMatchObject({
      type: 'outbox.count',
    });
  });

  it('no colours with NO_COLOR, or on a terminal that knows none', async () => {
    await using jobs = await place();
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }] as Record<string, string>[]) {
      const { stdout } = await onTerminal(jobs, ['outbox', 'count', 'state.db'], env);
      expect(stdout).toMatch(/^✓ 1 record to deliver/);
      expect(stdout).not.toContain('ESC');
    }
  });

  it('the configuration file can choose people for local commands, too; one that is wrong has no say', async () => {
    await using jobs = await place();
    const file = `${jobs.path}/.config/agent-exec/config.toml`;
    mkdirSync(`${jobs.path}/.config/agent-exec`, { recursive: true });
    writeFileSync(file, 'output = "human"\n');
    expect((await onTerminal(jobs, ['list'])).stdout).toBe('no jobs\r\n');
    expect(JSON.parse((await onTerminal(jobs, ['list', '--json'])).stdout)).toMatchObject({ type: 'list' });
    writeFileSync(file, 'output = "loud"\n');
    expect(JSON.parse((await onTerminal(jobs, ['list'])).stdout)).toMatchObject({ type: 'list' });
    expect(await jobs.answer(['run', '--', 'true'])).toMatchObject({
      error: { code: 'config_error', message: expect.stringContaining('output must be one of json, yaml, human') },
    });
  });
});

describe('--exit-code', () => {
  it.each([
    [['--', 'true'], 0],
    [['--', 'sh', '-c', 'exit 7'], 7],
    [['--', 'sh', '-c', 'kill -9 $$'], 137],
    [['--timeout', '1', '--', 'sleep', '30'], 124],
    [['--cwd', '/nowhere', '--', 'true'], 125],
    [['--until', '0', '--', 'sleep', '30'], 125],
  ])('run %j exits %d, with the same answer', async (words, code) => {
    await using jobs = await jobsRoot();
    const ran = await jobs.answer(['run', '--exit-code', ...words]);
    expect(ran).toMatchObject({ ok: true, type: 'run', status: code });
    expect((await jobs.answer(['run', '--exit-code=false', ...words])).status).toBe(0);
    if (ran.state === 'running') return;
    const waited = await jobs.answer(['wait', '--exit-code', String(ran.job_id)]);
    expect(waited).toMatchObject({ ok: true, type: 'wait', status: code });
    expect((await jobs.answer(['wait', String(ran.job_id)])).status).toBe(0);
  });

  it('an error stays an error', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['wait', '--exit-code', 'nope'])).toMatchObject({ ok: false, status: 1 });
  });
});

describe('words that are not known', () => {
  it.each([
    ['rnu', 'did you mean run?', 'kanade --help'],
    ['flet', 'did you mean fleet?', 'kanade --help'],
    ['run --tmeout 1 -- true', 'did you mean --timeout?', 'kanade run --help'],
    ['list --jsn', 'did you mean --json?', 'kanade list --help'],
    ['fleet exce x', 'did you mean exec?', 'kanade fleet --help'],
    ['fleet exec x --gruop lab', 'did you mean --group?', 'kanade fleet exec --help'],
    ['fleet --sever x agents', 'did you mean --server?', 'kanade fleet --help'],
    ['outbox cuont x', 'did you mean count?', 'kanade outbox --help'],
    ['outbox list x --sate ready', 'did you mean --state?', 'kanade outbox list --help'],
  ])('%s: %s', async (line, hint, help) => {
    await using jobs = await jobsRoot();
    const { status, stdout, stderr } = await jobs.call(line.split(' '));
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(hint);
    expect(stderr).toContain(`${help} shows the usage`);
  });

  it('nothing is offered where nothing is near', async () => {
    await using jobs = await jobsRoot();
    expect((await jobs.call(['frobnicate'])).stderr).not.toContain('did you mean');
  });

  it('options of local commands are refused by other doors, not passed over', async () => {
    await using jobs = await place();
    expect(await jobs.call(['--root', '/x', 'fleet', 'agents'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('option --root is for local commands, not for fleet'),
    });
  });
});

describe('what a call loads', () => {
  const bundle = new URL('../dist/bundle/', import.meta.url);
  const heavy = /nats|_zod|require\("node:(sqlite|crypto|tls|net|http)"\)|YAMLMap|TomlDate/;

  it.each(['main', 'fleet-door', 'outbox-door', 'help', 'advice', 'human', 'exit-code', 'complete'])(
    '%s brings neither broker nor schema library, database or parser',
    (file) => {
      const code = readFileSync(new URL(`${file}.cjs`, bundle), 'utf8').replace(
        /nats:\/\/[\w.:]+|nats-server|KANADE_NATS_\w+|\/var\/lib\/nats/g,
        '',
      );
      expect(heavy.exec(code)?.[0]).toBeUndefined();
    },
  );
});
