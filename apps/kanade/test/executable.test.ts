import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jobsRoot, program } from './program.ts';

/** A link of that name to the program, called as a person would. */
function linkTo(dir: string, name: string): readonly string[] {
  const [file = '', ...before] = program;
  const target = before.at(-1) ?? file;
  symlinkSync(target, `${dir}/${name}`);
  return before.length === 0 ? [`${dir}/${name}`] : [file, `${dir}/${name}`];
}

describe('the program', () => {
  it('answers by the name agent-exec too', async () => {
    await using jobs = await jobsRoot();
    const words = linkTo(jobs.path, 'agent-exec');
    // Callers of this name gate on the version of the contract.
    expect((await jobs.call(['--version'], { words })).stdout).toMatch(/^agent-exec 0\.2\.31 \(kanade \d/);
    expect(await jobs.answer(['run', '--', 'echo', 'x'], { words })).toMatchObject({ stdout: 'x\n' });
  });

  it('says agent-exec in help, examples, errors, advice and the skill when it is called so', async () => {
    await using jobs = await jobsRoot();
    const words = linkTo(jobs.path, 'agent-exec');
    const said = async (...args: string[]): Promise<string> => {
      const { stdout, stderr } = await jobs.call(args, { words });
      return stdout + stderr;
    };
    await said('run', '--no-wait', '--', 'sleep', '30');
    const id = /"job_id":"(\w+)"/.exec(await said('ps'))?.[1] ?? '';
    const texts = [
      await said('--help'),
      await said('help', 'run'),
      await said('tag', '--help'),
      await said('run'),
      await said('rnu'),
      await said('list', '--bogus'),
      await said('status', 'nope'),
      await said('delete', id),
      await said('fleet', '--help'),
      await said('fleet', 'help', 'exec'),
      await said('outbox', 'list'),
    ];
    for (const text of texts) {
      expect(text).toContain('agent-exec');
      expect(text).not.toMatch(/\bkanade /);
    }
    await said('install-skills');
    const skill = `${jobs.path}/.agents/skills/agent-exec`;
    for (const file of [
      'SKILL.md',
      'references/cli-contract.md',
      'references/completion-events.md',
      'references/openclaw.md',
    ])
      expect(readFileSync(`${skill}/${file}`, 'utf8')).not.toMatch(/\bkanade /);
    expect(readFileSync(`${skill}/SKILL.md`, 'utf8')).toContain('agent-exec run -- COMMAND');
    expect(await said('doctor')).not.toMatch(/\bkanade /);
  });

  it.each([
    ['kanade-agent', 'agent'],
    ['kanade-client', 'client'],
  ])('is %s by that name, and by its first word', async (name, word) => {
    await using jobs = await jobsRoot();
    const byName = await jobs.call(['--help'], { words: linkTo(jobs.path, name) });
    const byWord = await jobs.call([word, '--help']);
    expect(byName).toEqual(byWord);
    expect(byName.stdout + byName.stderr).toContain('--socket');
  });

  it('obeys neither .env nor bunfig.toml of the directory it is called in, nor gives jobs what steers its runtime', async () => {
    await using jobs = await jobsRoot();
    writeFileSync(`${jobs.path}/.env`, 'KANADE_PLANTED=yes\nAGENT_EXEC_ROOT=/planted\n');
    writeFileSync(`${jobs.path}/bunfig.toml`, 'preload = ["./planted.js"]\n');
    writeFileSync(`${jobs.path}/planted.js`, 'console.log("planted"); process.exit(9);\n');
    const run = await jobs.answer(['run', '--', 'sh', '-c', 'echo "[$KANADE_PLANTED$BUN_OPTIONS]"']);
    expect(run).toMatchObject({ ok: true, stdout: '[]\n' });
  });
});
