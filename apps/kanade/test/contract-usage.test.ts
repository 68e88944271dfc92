/** Contract, section 3: which calls make sense. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { answer, call } from './program.ts';

const observing = ['run -- true', 'start x', 'restart x'];

/** Words that stand before the rest of a call, split at blanks. */
const words = (line: string): string[] => line.split(' ').map((word) => (word === "''" ? '' : word));

/** A call of each observing command with options put behind its name. */
const withOptions = (options: string): string[] => observing.map((line) => line.replace(/^(\w+)/, `$1 ${options}`));

async function refused(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  await using dir = await tempDir();
  const root = `${dir.path}/jobs`;
  const { status, stdout, stderr } = await call(args, {
    cwd: dir.path,
    env: { AGENT_EXEC_ROOT: root, HOME: dir.path, ...env },
  });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(existsSync(root)).toBe(false);
  return stderr;
}

describe('usage errors: exit 2, empty stdout, a text on stderr, nothing made', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    // every command refuses what it does not know
    ...['run', 'create', 'start', 'restart', 'status', 'wait', 'watch', 'tail', 'kill', 'list', 'ps', 'tag set'].map(
      (name) => [`${name} --bogus`, /unknown option --bogus/] as const,
    ),
    ...['notify set', 'delete', 'rm', 'gc', 'schema', 'doctor', 'completions', 'install-skills'].map(
      (name) => [`${name} --bogus`, /unknown option --bogus/] as const,
    ),
    ['tag', /unknown command "tag"/],
    ['notify', /unknown command "notify"/],
    ['tag get x', /unknown command "tag": give one of "tag set"/],
    ['tag -v', /unknown command "tag"/],
    ['tag --bogus set x', /unknown option --bogus/],
    ['tag --root', /--root needs a value/],
    ['help tag get', /unknown command "tag"/],
    ['--root x', /Usage: kanade/],
    ['-v', /Usage: kanade/],
    ['help bogus', /unknown command "bogus"/],
    ['-x list', /unknown option -x/],
    // what is required
    ...['start', 'restart', 'status', 'wait', 'watch', 'tail', 'kill', 'tag set', 'notify set'].flatMap((name) => [
      [name, /JOB_ID is missing/] as const,
      [`${name} a b`, /unexpected word "b"/] as const,
    ]),
    ['create', /COMMAND is missing/],
    ['run --', /COMMAND is missing/],
    ['delete', /JOB_ID or --all/],
    ['delete x --all', /JOB_ID or --all/],
    ['rm a b', /unexpected word "b"/],
    ...['list', 'ps', 'gc', 'doctor', 'install-skills'].map(
      (name) => [`${name} extra`, /unexpected word "extra"/] as const,
    ),
    ['completions', /give one shell/],
    ['completions tcsh', /give one shell/],
    // numbers
    ...['--until x', '--until -1', '--until 1.5', '--until=', '--max-bytes 1k', '--auto-gc-max-jobs -1'].flatMap(
      (option) => withOptions(option).map((line) => [line, /whole number/] as const),
    ),
    ...['--timeout 1s', '--kill-after -1', '--progress-every 0.5', '--stdin-max-bytes x'].flatMap((option) => [
      [`run ${option} -- true`, /whole number/] as const,
      [`create ${option} -- true`, /whole number/] as const,
    ]),
    ['wait --until x j', /whole number/],
    ['wait --until 18446744073709551617000 j', /whole number/],
    ['wait --until 0x10 j', /whole number/],
    ['wait --until 1e3 j', /whole number/],
    ['wait --until ++1 j', /whole number/],
    ['wait --poll -1 j', /whole number/],
    ['tail --lines x j', /whole number/],
    ['tail --max-bytes -5 j', /whole number/],
    ['list --limit -1', /whole number/],
    ['gc --max-jobs many', /whole number/],
    [`tail --max-bytes ${2n ** 64n} j`, /whole number/],
    // values
    ['list --state sleeping', /unknown state/],
    ['ps --state running', /unknown option --state/],
    ['list --tag a..b', /not a tag/],
    ['list --tag *', /not a tag/],
    ...['', '.', 'a.', 'a..b', 'a.*', 'a_b', 'ü'].flatMap((tag) => [
      [`run --tag=${tag} -- true`, /not a tag/] as const,
      [`tag set x --tag=${tag}`, /not a tag/] as const,
    ]),
    ['run --output-match-type glob -- true', /contains, regex/],
    ['run --output-stream both -- true', /stdout, stderr, either/],
    ['notify set x --output-stream both', /stdout, stderr, either/],
    ['kill --signal NOPE x', /unknown signal/],
    ["kill --signal '' x", /unknown signal/],
    ['restart --signal NOPE x', /unknown signal/],
    ...['auto', 'OFF', 'rtk'].flatMap((mode) =>
      [...withOptions(`--compress ${mode}`), `tail --rtk ${mode} x`].map(
        (line) => [line, /is no mode: one of off, route, errors/] as const,
      ),
    ),
    ["list --root ''", /--root is empty/],
    ['list --contract 0.1.17', /unknown contract/],
    // together
    ...withOptions('--until 1 --forever').map((line) => [line, /exclude each other/] as const),
    ...withOptions('--no-wait --until 1 --forever').map((line) => [line, /exclude each other/] as const),
    ...withOptions('--compress off --rtk route').map((line) => [line, /same option/] as const),
    ['tail --compress route --rtk off x', /same option/],
    ['tail --lines 1 --tail-lines 1 x', /same option/],
    ['wait --until 1 --forever x', /exclude each other/],
    ['wait --timeout-ms 5 x', /unknown option --timeout-ms/],
    ['run --inherit-env --no-inherit-env -- true', /exclude each other/],
    ['create --stdin a --stdin-file b -- true', /exclude each other/],
    ['list --all --cwd /', /exclude each other/],
    ['list --yaml --human', /exclude each other/],
    ['--yaml list --human', /exclude each other/],
    ['--json list --yaml', /exclude each other/],
    ['fleet --json agents --yaml', /exclude each other/],
    ['--human outbox count --json x', /exclude each other/],
    // once
    ['run --timeout 1 --timeout 2 -- true', /given twice/],
    ['run --cwd / --cwd / -- true', /given twice/],
    ['list --all --all', /given twice/],
    ['list --root a --root b', /given twice/],
    ['start --wait true --wait false x', /given twice/],
    // a forgotten value swallows nothing
    ['run --cwd --no-wait -- true', /needs a value: --no-wait/],
    ['list --root --yaml', /needs a value: --yaml/],
    ['status --root', /needs a value/],
    ['run --wait=maybe -- true', /true or false/],
    ['run --env= -- true', /the key is missing/],
    ['create --env =x -- true', /the key is missing/],
    ['list --yaml=1', /takes no value/],
  ];
  it.each(cases)('%s', async (line, text) => {
    expect(await refused(words(line))).toMatch(text);
  });

  it('no command at all shows the help on stderr', async () => {
    expect(await refused([])).toContain('Usage: kanade');
  });

  it('an unknown contract in the environment', async () => {
    expect(await refused(['list'], { KANADE_CONTRACT: '9' })).toContain('unknown contract "9"');
  });
});

describe('errors: exit 1, one error object, nothing made', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['run --shell-wrapper= -- true', 'internal_error'],
    ['create --shell-wrapper= -- true', 'internal_error'],
    ['run --stdin-file /nowhere/file -- true', 'internal_error'],
    ['create --stdin-file /nowhere/file -- true', 'internal_error'],
    ['run --stdin abcd --stdin-max-bytes 3 -- true', 'stdin_too_large'],
    ['create --stdin abcd --stdin-max-bytes 3 -- true', 'stdin_too_large'],
    ['run --auto-gc-older-than soon -- true', 'internal_error'],
    ...['(', '(a)\\1', '(?=a)'].flatMap((pattern) =>
      ['run', 'create'].map(
        (name) => [`${name} --output-match-type regex --output-pattern ${pattern} -- true`, 'invalid_pattern'] as const,
      ),
    ),
    ['start --auto-gc-older-than 5w x', 'internal_error'],
    ['gc --older-than 1w', 'internal_error'],
    ['gc --older-than -1d', 'internal_error'],
    ...['start', 'restart', 'status', 'wait', 'watch', 'tail', 'kill', 'tag set', 'notify set', 'delete', 'rm'].flatMap(
      (name) =>
        ["''", '.', '..', '../x', '/etc', 'a/b', 'no-such-job'].map(
          (id) => [`${name} ${id}`, 'job_not_found'] as const,
        ),
    ),
  ];
  it.each(cases)('%s → %s', async (line, code) => {
    await using dir = await tempDir();
    const root = `${dir.path}/jobs`;
    const options = { cwd: dir.path, env: { AGENT_EXEC_ROOT: root, HOME: dir.path } };
    expect(await answer(words(line), options)).toEqual({
      status: 1,
      schema_version: '0.1',
      ok: false,
      type: 'error',
      error: { code, message: expect.stringMatching(/.{10}/), retryable: false },
    });
    expect(existsSync(root)).toBe(false);
  });

  it.each(['run --shell-wrapper sh\u00a0-c -- true', 'create -- true', 'start x', 'restart x', 'tail x'])(
    '%s with a configuration file that is none → config_error before anything is made',
    async (line) => {
      await using dir = await tempDir();
      mkdirSync(`${dir.path}/agent-exec`);
      writeFileSync(`${dir.path}/agent-exec/config.toml`, '[compression]\ndefault = "auto"\n');
      const root = `${dir.path}/jobs`;
      const env = { AGENT_EXEC_ROOT: root, XDG_CONFIG_HOME: dir.path };
      expect(await answer(words(line), { env })).toMatchObject({ status: 1, error: { code: 'config_error' } });
      expect(existsSync(root)).toBe(false);
    },
  );
});
