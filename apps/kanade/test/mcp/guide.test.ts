/** Every server that docs/guide/mcp.md sets up is one that answers. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { jobsRoot, program } from '../program.ts';

const page = readFileSync(new URL('../../../../docs/guide/mcp.md', import.meta.url), 'utf8');
const blocks = (kind: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, block = '']) => block.trim());

type Server = { command: string; args: readonly string[] };

const ofJson = blocks('json').flatMap((block) =>
  Object.values(JSON.parse(block) as Record<string, { kanade: Server }>).map(({ kanade }) => [
    kanade.command,
    ...kanade.args,
  ]),
);
const ofToml = blocks('toml').map((block) => {
  const value = (name: string): unknown => JSON.parse(new RegExp(`^${name} = (.*)$`, 'm').exec(block)?.[1] ?? 'null');
  return [value('command') as string, ...(value('args') as string[])];
});
const lines = blocks('sh').flatMap((block) => block.split('\n'));
const ofHosts = lines
  .filter((line) => / mcp add /.test(line))
  .map((line) => line.replace(/^.* mcp add kanade (-- )?/, '').split(' '));

it('says how it is set up in each of the hosts that it names', () => {
  expect([ofJson.length, ofToml.length, ofHosts.length]).toEqual([2, 1, 3]);
  for (const words of [...ofJson, ...ofToml, ...ofHosts]) expect(words).toEqual(['kanade', 'mcp']);
});

it('its line that asks whether the server speaks is answered', async () => {
  await using jobs = await jobsRoot();
  const line = lines.find((known) => known.includes('<<<'));
  const kanade = `kanade() { ${program.map((word) => `'${word}'`).join(' ')} "$@"; }`;
  const { stdout, stderr } = await jobs.call(['-c', `${kanade}\n${line}`], { words: ['bash', '--norc'] });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({ id: 1, result: { tools: [{}, {}, {}, {}, {}] } });
});
