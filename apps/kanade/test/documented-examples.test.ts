/** Every example of docs/cli.md is a call that works. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jobsRoot, program } from './program.ts';

const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.trim().split('\n'));

/** The id that stands in the examples. */
const exampleId = '3f2a9c1';

/** How the job of an example is made, where it must not have ended, or has to print something. */
const makers: Record<string, readonly string[]> = {
  start: ['create', '--', 'true'],
  kill: ['run', '--until', '0', '--', 'sleep', '30'],
  wait: ['run', '--', 'echo', 'listening on port 8080'],
};

/** The program under the name that stands in the examples. */
const kanade = `kanade() { ${program.map((word) => `'${word}'`).join(' ')} "$@"; }`;

/** What listens is asked to end once it does. */
function servesAndEnds(jobs: Awaited<ReturnType<typeof jobsRoot>>, line: string) {
  const words = line.replace('kanade', program.map((word) => `'${word}'`).join(' '));
  const script = `${words} & pid=$!\nuntil [ -s serve.url ]; do kill -0 $pid || break; sleep 0.05; done\nkill $pid; wait $pid`;
  return jobs.call(['-c', script], { words: ['bash', '--norc'] });
}

describe('docs/cli.md', () => {
  it('has examples of every command', () => {
    const names = [...page.matchAll(/^`kanade ([a-z-]+(?: set)?)/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) expect(examples.some((line) => line.startsWith(`kanade ${name}`))).toBe(true);
  });

  // What replaces the program itself is called in an installation of its own: self-update.test.ts.
  it.each(examples.filter((line) => !line.startsWith('kanade self-update')))('%s', async (line) => {
    await using jobs = await jobsRoot();
    const command = line.split(' ')[1] ?? '';
    const made = line.includes(exampleId)
      ? await jobs.answer([...(makers[command] ?? ['run', '--', 'echo', 'x'])])
      : undefined;
    if (line.includes('--address-file'))
      return expect(await servesAndEnds(jobs, line)).toEqual({ status: 0, stdout: '', stderr: '' });
    const script = `${kanade}\n${line.replace(exampleId, String(made?.job_id))}`;
    const { status, stdout, stderr } = await jobs.call(['-c', script], { words: ['bash', '--norc'] });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).not.toBe('');
    if (line.includes('jsonrpc')) {
      expect(JSON.parse(stdout)).toMatchObject({ id: 1, result: { tools: [{}, {}, {}, {}, {}] } });
      return;
    }
    if (stdout.startsWith('{')) expect(JSON.parse(stdout)).toMatchObject({ ok: true });
  });
});
