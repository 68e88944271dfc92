import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { main } from '../../main.ts';

/** An address where nothing listens. */
const nowhere = 'nats://127.0.0.1:1';

async function call(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const io = {
    stdout: (text: string) => void stdout.push(text),
    stderr: (text: string) => void stderr.push(text),
    env: { KANADE_NATS_URL: nowhere },
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
    [['exec', 'a'], 'exactly one of --pc, --group and --all is needed: 0 given'],
    [['exec', 'a', '--pc', 'b', '--all'], '2 given'],
    [['exec', 'a', '--pc', 'b', '--timeout', '3'], '--timeout needs --wait'],
    [['exec', 'a', '--pc', 'b', '--exit-code'], '--exit-code needs --wait'],
    [['exec', 'a', '--pc', 'b', '--wait', '--timeout', '0'], 'between 1 and'],
    [['exec', 'a', '--pc', 'b', '--wait', '--timeout', '-1'], '--timeout must be a whole number'],
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
