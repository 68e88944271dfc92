/** Contract, section 9.1: scripts for shells, and what they get when they call back. */
import { symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jobsRoot, program } from './program.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;

/** Candidates for the last of these words, as a shell asks for them. */
async function candidates(jobs: Root, words: readonly string[], env: Record<string, string> = {}): Promise<string[]> {
  const { status, stdout, stderr } = await jobs.call(['--', 'kanade', ...words], {
    env: { COMPLETE: 'bash', _CLAP_COMPLETE_INDEX: String(words.length), ...env },
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout === '' ? [] : stdout.split('\n');
}

describe('scripts', () => {
  it.each([
    ['bash', ['complete -o bashdefault -o default ', 'COMPLETE="bash"', 'kanade']],
    ['zsh', ['#compdef kanade', '_files', '_clap_dynamic_completer_kanade', 'COMPLETE="zsh"']],
    ['fish', ['complete ', 'COMPLETE=fish kanade']],
    ['powershell', ['Register-ArgumentCompleter', "$env:COMPLETE = 'powershell'"]],
  ])('%s', async (shell, parts) => {
    await using jobs = await jobsRoot();
    const { status, stdout, stderr } = await jobs.call(['completions', shell]);
    expect([status, stderr]).toEqual([0, '']);
    for (const part of parts) expect(stdout).toContain(part);
    for (const args of [[], ['--']]) expect((await jobs.call(args, { env: { COMPLETE: shell } })).stdout).toBe(stdout);
  });

  it('bash takes the script and completes with it', async () => {
    await using jobs = await jobsRoot();
    const id = String((await jobs.answer(['run', '--', 'true'])).job_id);
    const [first = '', ...rest] = program;
    const script = `
      kanade() { ${[first, ...rest].map((word) => `'${word}'`).join(' ')} "$@"; }
      eval "$(kanade completions bash)"
      COMP_WORDS=(kanade status ${id.slice(0, 3)}); COMP_CWORD=2; COMP_LINE="kanade status ${id.slice(0, 3)}"
      _clap_complete_kanade
      printf '%s|' "\${COMPREPLY[@]}"
      COMP_WORDS=(kanade completions ''); COMP_CWORD=2; COMP_LINE="kanade completions "
      _clap_complete_kanade
      printf '%s|' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = await jobs.call(['-c', script], { words: ['bash', '--norc'] });
    expect([stdout, stderr]).toEqual([`${id}|bash|zsh|fish|powershell|`, '']);
  });

  it('the name it was called by stands in the script', async () => {
    await using jobs = await jobsRoot();
    symlinkSync(program.at(-1) ?? '', `${jobs.path}/agent-exec`);
    const { stdout } = await jobs.call(['completions', 'bash'], {
      words: [...program.slice(0, -1), `${jobs.path}/agent-exec`],
    });
    expect(stdout).toContain('_clap_complete_agent_exec() {');
  });

  it('a COMPLETE that names no shell of ours means nothing', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['list'], { env: { COMPLETE: '1' } })).toMatchObject({ type: 'list' });
  });
});

describe('words', () => {
  it.each([
    [['sta'], ['start', 'status']],
    [['t'], ['tail', 'tag']],
    [['tag', ''], ['set']],
    [['help', 'notify', ''], ['set']],
    [['rm'], ['rm']],
    [
      ['help', 'wa'],
      ['wait', 'watch'],
    ],
    [
      ['completions', ''],
      ['bash', 'zsh', 'fish', 'powershell'],
    ],
    [
      ['kill', '--signal', ''],
      ['TERM', 'INT', 'KILL', 'HUP', 'USR1', 'USR2'],
    ],
    [
      ['kill', '--signal', 'U'],
      ['USR1', 'USR2'],
    ],
    [['kill', '--signal=K'], ['--signal=KILL']],
    [['list', '--state', 'e'], ['exited']],
    [['run', '--until', ''], []],
    [['run', '--unt'], ['--until']],
    [['--ya'], ['--yaml']],
    [['--root', '/x', 'sched'], []],
    [['--root', '/x', 'sche'], ['schema']],
    [['wait', '--f'], ['--forever']],
    [['bogus', ''], []],
    [['fl'], ['fleet']],
    [['--yaml', 'fleet', 'ex'], ['exec']],
    [
      ['fleet', 'job', ''],
      ['put', 'list', 'remove'],
    ],
    [['help', 'fleet', 'ki'], ['kill']],
    [['fleet', '--ser'], ['--server']],
    [['fleet', 'exec', '--gr'], ['--group']],
    [['fleet', 'exec', '--json', '--ya'], ['--yaml']],
    [
      ['outbox', 'dro'],
      ['drop', 'drops'],
    ],
    [['outbox', 'list', 'x', '--state', 'q'], ['quarantined']],
    [['outbox', '--ta'], ['--table']],
    [['run', '--compress', 'ro'], ['route']],
    [['client', '--'], ['--help']],
    [['agent', 'ru'], []],
    [
      ['schema', ''],
      ['manifest', 'notification', 'schedule'],
    ],
  ])('%j → %j', async (words, expected) => {
    await using jobs = await jobsRoot();
    expect((await candidates(jobs, words)).sort()).toEqual([...expected].sort());
  });

  it('a word in the middle is completed by its index', async () => {
    await using jobs = await jobsRoot();
    expect(await candidates(jobs, ['sche', '--yaml'], { _CLAP_COMPLETE_INDEX: '1' })).toEqual(['schema']);
  });
});

describe('job ids', () => {
  it('are those of this directory, in states that the command can work on, by what is typed', async () => {
    await using jobs = await jobsRoot();
    const make = async (...args: string[]): Promise<string> => String((await jobs.answer(args)).job_id);
    const created = await make('create', '--', 'true');
    const running = await make('run', '--no-wait', '--', 'sleep', '30');
    const ended = await make('run', '--', 'true');
    const failed = await make('run', '--', 'kill -9 $$');
    await make('run', '--cwd', '/', '--', 'true');
    const all = [created, running, ended, failed];
    const expected: Record<string, string[]> = {
      start: [created],
      wait: [created, running],
      watch: [created, running],
      kill: [running],
      delete: [ended, failed],
      rm: [ended, failed],
      status: all,
      tail: all,
      restart: all,
      'tag set': all,
      'notify set': all,
      list: [],
    };
    for (const [command, ids] of Object.entries(expected)) {
      expect([command, ...(await candidates(jobs, [...command.split(' '), ''])).sort()]).toEqual([
        command,
        ...ids.sort(),
      ]);
    }
    expect(await candidates(jobs, ['kill', '--signal', 'TERM', running.slice(0, 8)])).toEqual([running]);
    expect(await candidates(jobs, ['kill', ended.slice(0, 8)])).toEqual([]);
    expect(await candidates(jobs, ['status', ended, ''])).toEqual([]);
  });

  it('come from the root that the line names', async () => {
    await using jobs = await jobsRoot();
    const id = String((await jobs.answer(['--root', 'other', 'run', '--', 'true'])).job_id);
    expect(await candidates(jobs, ['status', ''])).toEqual([]);
    expect(await candidates(jobs, ['--root', 'other', 'status', ''])).toEqual([id]);
    expect(await candidates(jobs, ['--root=other', 'status', ''])).toEqual([id]);
    expect(await candidates(jobs, ['status', ''], { COMP_LINE: "kanade --root 'other' status " })).toEqual([id]);
  });

  it.each([
    ['zsh', ':'],
    ['fish', '\t'],
    ['powershell', '\t'],
  ])('%s shows the state beside them', async (shell, separator) => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'true']);
    const words = ['--', 'kanade', 'status', shell === 'powershell' ? '""' : ''];
    const { stdout } = await jobs.call(words, { env: { COMPLETE: shell } });
    expect(stdout).toBe(`${job_id}${separator}exited\n`);
  });

  it('bash gets the separator that it asks for', async () => {
    await using jobs = await jobsRoot();
    const env = { COMPLETE: 'bash', _CLAP_COMPLETE_INDEX: '1', _CLAP_IFS: '\v' };
    expect((await jobs.call(['--', 'kanade', 'sta'], { env })).stdout).toBe('start\vstatus');
  });
});
