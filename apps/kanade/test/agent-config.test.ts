/** docs/guide/agent-toml.md: its file starts an agent, and its commands say what that one was told. */
import { readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { jobsRoot, program, start } from './program.ts';

const page = readFileSync(new URL('../../../docs/guide/agent-toml.md', import.meta.url), 'utf8');
const block = (kind: string): string => new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(page)?.[1] ?? '';
const lines = block('sh').trim().split('\n');

it('an agent starts from its file alone, and what the page calls says where each value is from', async () => {
  await using place = await jobsRoot();
  const file = `${place.path}/agent.toml`;
  // The page's own file, at a place of our own: its directories are those of a system.
  const text = block('toml')
    .replace('allow_own_user = false', 'allow_own_user = true')
    .replace(/^nats_url.*\n/m, '');
  const own = text.replace(/"\/(?:etc|var\/lib|var\/log|run)\/kanade/g, `"${place.path}`);
  writeFileSync(file, own.replace(/^(?:jobs|command_keys|connection) = .*\n/gm, ''), { mode: 0o644 });
  const env = { KANADE_AGENT_CONFIG: file };
  const agent = start(['agent'], { env });
  const ready = await eventually('the agent is ready', () => /^\{.*agent\.ready.*\}$/m.exec(agent.text.stdout)?.[0]);
  expect(JSON.parse(ready)).toMatchObject({ pc_id: 'pc-042', socket: `${place.path}/agent.sock`, broker: null });
  agent.child.kill('SIGTERM');
  expect((await agent.ended).status).toBe(0);

  expect(lines).toHaveLength(3);
  for (const line of lines) {
    const kanade = `kanade() { ${program.map((word) => `'${word}'`).join(' ')} "$@"; }`;
    const answer = await place.call(['-c', `${kanade}\n${line}`], { words: ['bash', '--norc'], env });
    expect({ status: answer.status, stderr: answer.stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(answer.stdout)).toMatchObject({ type: 'agent.config', ok: true, file });
  }
  const shown = await place.answer(['agent', 'config', 'show'], { env });
  expect(shown.settings).toContainEqual({
    key: 'agent.id',
    value: 'pc-042',
    from: {
      kind: 'file',
      path: file,
      line: own.split('\n').findIndex((line) => line.startsWith('id =')) + 1,
      column: 1,
    },
  });
});

it('a file with faults starts nothing: the page shows what is said of it', async () => {
  await using place = await jobsRoot();
  const file = `${place.path}/agent.toml`;
  writeFileSync(file, '[agent]\n\nsockte = "s"\n\n\n[log]\nlevel = "loud"\n', { mode: 0o644 });
  const told = block('text').replaceAll('/etc/kanade/agent.toml', file);
  const checked = await place.call(['agent', 'config', 'check', '--human', '--config', file]);
  expect(checked).toEqual({ status: 1, stdout: told, stderr: '' });
  const started = await place.call(['agent', '--config', file]);
  expect({ status: started.status, stdout: started.stdout }).toEqual({ status: 9, stdout: '' });
  for (const line of told.trim().split('\n').slice(0, 2)) expect(started.stderr).toContain(line);
});
