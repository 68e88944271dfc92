/** Somebody calls for help: what docs/guide/support.md tells an operator to call, line by line, and the person at the machine. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { eventually, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { startAgent } from './agent.ts';
import { answer, type Json } from './program.ts';
import { openPlainPerson } from './trust/plain-person.ts';

const page = readFileSync(new URL('../../../docs/guide/support.md', import.meta.url), 'utf8');
const calls = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.trim().split('\n'));
/** What stands for a machine and an archive of it on the page. */
const [anyKey = '', anyPc = ''] = /(pc-\d+)\/support\.diagnostics\/\S+\.zip/.exec(page) ?? [];

it('every call of the guide works, and the operator gets what the person was shown', async () => {
  await using place = await tempDir();
  await using broker = await startNatsServer(await newestNatsServer());
  const env = { KANADE_NATS_URL: broker.url };
  const fleet = (...args: string[]) => answer(['fleet', ...args], { env, cwd: place.path });
  await fleet('setup');
  await using agent = await startAgent({ args: ['--server', broker.url] });
  await eventually('pc-1 answers', async () => (await fleet('ping', 'pc-1')).ok === true);
  await using person = await openPlainPerson(agent.socket);
  writeFileSync(`${place.path}/code.txt`, 'blue-horse-7\n');

  const shown = await person.call('support.preview_diagnostics', { summary: 'No sound', detail: 'password: hunter2' });
  const sent = await person.call('support.upload_diagnostics', { preview: shown.preview });
  const key = String(sent.object_key);
  await eventually('the event', async () => listOf(await fleet('events', '--kind', 'diagnostic')).includes(key));
  expect(calls.length).toBeGreaterThan(5);
  for (const line of calls) {
    const [words = '', file] = line.replace(anyKey, key).replace(anyPc, 'pc-1').split(' < ');
    const [program, door = '', ...args] = words.split(' ');
    expect(program).toBe('kanade');
    const input = file === undefined ? undefined : readFileSync(`${place.path}/${file}`, 'utf8');
    const answered = await answer([door, ...args], { env, cwd: place.path, ...(input === undefined ? {} : { input }) });
    expect(answered, line).toMatchObject({ status: 0, ok: true });
    if (args[0] === 'collect' || line.endsWith('diagnostic')) expect(listOf(answered), line).toContain(key);
  }
  const archive = readFileSync(`${place.path}/diagnostics.zip`);
  expect(archive.length).toBe(sent.size_bytes);
  expect(statSync(`${place.path}/diagnostics.zip`).mode & 0o777).toBe(0o600);
  expect(JSON.stringify(shown)).not.toContain('hunter2');
});

const listOf = (answered: Json): string => JSON.stringify(answered);
