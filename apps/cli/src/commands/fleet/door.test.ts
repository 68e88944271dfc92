import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { main } from '../../main.ts';
import { fleet } from './door.ts';

/** An address where nothing listens. */
const nowhere = 'nats://127.0.0.1:1';

async function call(
  args: readonly string[],
  env: Record<string, string> = { KANADE_NATS_URL: nowhere },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const io = {
    stdout: (text: string) => void stdout.push(text),
    stderr: (text: string) => void stderr.push(text),
    env,
    signal: new AbortController().signal,
  };
  const code = await main(['fleet', ...args], io, { name: 'kanade', version: () => '' });
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

describe('kanade fleet', () => {
  it.each([
    [[], 'Usage: kanade fleet COMMAND'],
    [['nope'], 'unknown command "nope"'],
    [['exce', 'a'], 'unknown command "exce"; did you mean exec?'],
    [['exec', '--gruop', 'b'], 'unknown option --gruop; did you mean --group?'],
    [['job'], 'unknown command "job": give one of "job put", "job list"'],
    [['job', 'nope'], 'unknown command "job": give one of'],
    [['--nope'], 'unknown option --nope'],
    [['setup', 'x'], 'unexpected word "x"'],
    [['job', 'put'], 'FILE is missing'],
    [['job', 'remove'], 'JOB is missing'],
    [['kill', 'a', 'b'], 'unexpected word "b": one EXEC_ID is enough'],
    [['exec', 'a'], '--pc, --group or --all is needed: none given'],
    [['exec', 'a', '--pc', 'b', '--all'], 'option --all means every machine'],
    [['exec', 'a', '--pc', 'b,'], 'option --pc holds an empty name: b,'],
    [['exec', 'a', '--pc', 'b', '--until', '3'], '--until needs --wait'],
    [['exec', 'a', '--pc', 'b', '--exit-code'], '--exit-code needs --wait'],
    [['exec', 'a', '--pc', 'b', '--wait', '--until', '0'], 'between 1 and'],
    [['exec', 'a', '--pc', 'b', '--wait', '--timeout', '-1'], '--timeout must be a whole number'],
    [['key', 'create'], 'KEY is missing'],
    [['key', 'trust'], 'KEY is missing: name a key, or say --enforcing'],
    [['key'], 'give one of "key create", "key list"'],
    [['exec', 'a', '--pc', 'b', '--jitter', '9', '--deadline', '9'], '--jitter must be shorter than --deadline'],
    [['wait'], 'EXEC_ID is missing'],
    [['results', 'a', '--job', 'a'], 'say the same: one is enough'],
    [['results', '--since', 'yesterday'], 'must be a time such as'],
    [['results', '--since', '1h', '--until', '2h'], '--since must be before --until'],
    [['results', '--ending', 'timed_out,nope'], 'option --ending knows'],
    [['results', '--ending', 'running', '--until', '2h'], 'known for now alone'],
    [['results', '--csv', '--human'], '--csv and --human exclude each other'],
    [['results', '--before', '-1'], '--before must be a whole number'],
    [['results', 'a', '--limit', '0'], '--limit must be between 1 and'],
    [['cancel'], 'EXEC_ID is missing'],
    [['show'], 'RUN_ID is missing'],
    [['show', 'a', '--stdout', 'x', '--no-output'], '--no-output shows none'],
    [['group', 'add', 'lab'], 'PC is missing'],
    [['group', 'add', 'lab', 'pc-1,'], 'a PC without a name'],
    [['config', 'set', 'heartbeat_intervall', '1m'], 'did you mean heartbeat_interval?'],
    [['config', 'set', 'heartbeat_interval'], 'FIELD and VALUE are needed'],
    [['config', 'get', '--pc', 'a', '--group', 'b'], '--pc and --group exclude each other'],
    [['config', 'unset'], 'FIELD is missing'],
    [['config', 'unset', 'heartbeat_interval', '--all'], 'name none'],
    [['meta', 'set', 'pc-1', 'owner', 'Ada', 'B.'], 'put TEXT in quotes'],
    [['freeze', 'set', '--until', 'tomorrow'], 'must be a time such as'],
    [['freeze', 'set', '--for', '2h', '--until', '2099-01-01T00:00:00Z'], '--until and --for exclude each other'],
    [['freeze', 'set', '--for', '-1h'], 'must be a duration such as'],
    [['ping', 'a', '--server', 'nats://u:p@127.0.0.1'], 'must hold no user or token'],
  ])('answers the senseless call %j with exit 2 and an empty stdout', async (args, said) => {
    expect(await call(args)).toEqual({ code: 2, stdout: '', stderr: expect.stringContaining(said) });
  });

  it.each([
    [['--help'], 'job put FILE...'],
    [['exec', '--help'], '--group NAME'],
    [['--help', 'job', 'put'], 'Examples:'],
  ])('shows help for %j on stdout', async (args, said) => {
    expect(await call(args)).toEqual({ code: 0, stdout: expect.stringContaining(said), stderr: '' });
  });

  it.each([
    [['setup']],
    [['job', 'list']],
    [['job', 'remove', 'a']],
    [['exec', 'a', '--all']],
    [['kill', 'a']],
    [['wait', 'a']],
    [['results', 'a']],
    [['cancel', 'a']],
    [['ping', 'a']],
    [['agents']],
  ])('answers %j without a broker with one line that says so, and exit 1', async (args) => {
    const { code, stdout } = await call(args);
    expect(stdout).toMatch(/^[^\n]+\n$/);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      1,
      {
        schema_version: '0.1',
        ok: false,
        type: 'error',
        error: { code: 'broker_unreachable', message: expect.stringContaining(nowhere), retryable: true },
      },
    ]);
  });

  it('keys need no broker: made, trusted, insisted upon, listed, taken away; nothing secret is printed', async () => {
    await using dir = await tempDir();
    const env = { XDG_CONFIG_HOME: dir.path, KANADE_NATS_URL: nowhere };
    const said: string[] = [];
    const answer = async (...args: string[]) => {
      const { code, stdout, stderr } = await call(['key', ...args], env);
      said.push(stdout, stderr);
      return { code, ...JSON.parse(stdout) };
    };
    const ring = join(dir.path, 'kanade', 'command-keys.json');
    const made = await answer('create', 'ops', '--label', 'operators');
    const private_key_file = join(dir.path, 'kanade', 'keys', 'ops.pem');
    expect(made).toMatchObject({ code: 0, type: 'fleet.key.create', kid: 'ops', label: 'operators', private_key_file });
    expect(made.audit_failed).toContain(nowhere);
    expect(said.at(-1)).toContain('done, but not recorded: ');
    expect(await answer('create', 'ops')).toMatchObject({ code: 1, error: { code: 'key_exists' } });
    const glass = { kid: 'glass', max_age: '10m', audit_every_use: true };
    expect(await answer('create', 'glass', '--break-glass')).toMatchObject(glass);
    expect(await answer('trust', 'ops')).toMatchObject({ ring, enforcing: false, keys: [{ kid: 'ops' }] });
    expect(await answer('trust', '--enforcing')).toMatchObject({ ring, enforcing: true });
    expect(await answer('trust', join(dir.path, 'kanade/keys/glass.pub.json'))).toMatchObject({ enforcing: true });
    expect(await answer('list')).toMatchObject({
      enforcing: true,
      own: [
        { ...glass, trusted: true },
        { kid: 'ops', command_key: made.command_key, trusted: true },
      ],
      keys: [{ kid: 'ops' }, glass],
    });
    expect(await answer('remove', 'ops')).toMatchObject({ keys: [glass] });
    expect(await answer('remove', 'glass')).toMatchObject({ code: 1, error: { code: 'ring_invalid' } });
    expect(await answer('remove', 'ops', '--private')).toMatchObject({ code: 0, kid: 'ops' });
    expect(await answer('trust', 'ops')).toMatchObject({ code: 1, error: { code: 'key_not_found' } });
    expect(said.join('')).not.toContain('PRIVATE KEY');
    const secret = (await readFile(join(dir.path, 'kanade/keys/glass.pem'), 'utf8')).split('\n')[1] ?? '';
    expect([secret.length > 40, said.join('').includes(secret)]).toEqual([true, false]);
  });

  it.each(
    fleet.commands
      .filter(({ name }) => !name.startsWith('key '))
      .flatMap(({ examples }) => examples)
      // What a shell gives to the input of a call is nothing to be understood here.
      .filter((example) => example.startsWith('kanade fleet ') && !example.includes(' < ')),
  )('understands its example: %s', async (example) => {
    await using dir = await tempDir();
    const words = example.replace(/\w+:\/\/broker\S+/, nowhere).replace('./keys', join(dir.path, 'keys'));
    // As a shell takes them: what stands in quotes is one word.
    const [, , ...args] = [...words.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
    const { code, stderr } = await call(args);
    expect([code, stderr]).not.toEqual([2, expect.anything()]);
  });

  it('job put names file, line and key of a fault before it looks for the broker', async () => {
    await using dir = await tempDir();
    const file = join(dir.path, 'bad.yaml');
    await writeFile(
      file,
      'id: bad\nversion: "1"\nexecute:\n  shell: sh\n  timeout: 1s\n  script_file: none.sh\ncolour: 1\n',
    );
    const unknown = JSON.parse((await call(['job', 'put', file])).stdout);
    expect(unknown.error).toMatchObject({
      code: 'manifest_invalid',
      message: expect.stringContaining(`${file}: `),
      details: { file, faults: [{ line: 7, path: 'colour', message: 'unknown key' }] },
    });
    await writeFile(file, 'id: bad\nversion: "1"\nexecute:\n  shell: sh\n  timeout: 1s\n  script_file: none.sh\n');
    const missing = JSON.parse((await call(['job', 'put', file])).stdout);
    expect(missing.error.details.faults).toMatchObject([
      { line: 6, path: 'execute.script_file', message: expect.stringContaining('none.sh') },
    ]);
    const absent = JSON.parse((await call(['job', 'put', join(dir.path, 'absent.yaml')])).stdout);
    expect(absent.error).toMatchObject({ code: 'file_unreadable' });
  });
});
