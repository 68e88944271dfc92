/** What an operator tells people, on their desktops: from the command line to a session bus and back. And the guide, as it is written. */
import { readFileSync, writeFileSync } from 'node:fs';
import { canPlayPeople, eventually, newestNatsServer, openPeople, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { startAgent } from './agent.ts';
import { answer, call, type Json, program } from './program.ts';

const guide = readFileSync(new URL('../../../docs/guide/notifications.md', import.meta.url), 'utf8');

async function openBroker() {
  const closing = new AsyncDisposableStack();
  const broker = closing.use(await startNatsServer(await newestNatsServer()));
  const env = { KANADE_NATS_URL: broker.url };
  const fleet = (...args: string[]) => answer(['fleet', ...args], { env });
  await fleet('setup');
  return { broker, env, fleet, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

// Only root can play other users.
if (canPlayPeople()) {
  it('a toast reaches the desktop, is changed and taken away, and the operator sees where it was', async () => {
    await using site = await openBroker();
    const { broker, fleet } = site;
    await using people = await openPeople(['ann']);
    people.logIn('ann');
    await people.startBus('ann');
    await people.startServer('ann');
    await using _agent = await startAgent({ args: ['--server', broker.url], within: people.within });
    await eventually('pc-1 answers', async () => (await fleet('ping', 'pc-1')).ok === true);
    const said = ['--title', 'At six', '--body', '*Save* your work.'];
    const { id } = await fleet('notify', 'send', ...said, '--pc', 'pc-1', '--toast');
    const seen = () => people.desktop('ann').slice(1);
    await eventually('the toast', () => seen().length === 1);
    expect(seen()).toMatchObject([{ kind: 'shown', title: 'At six', body: 'Save your work.', urgency: 1 }]);
    const toasts = await eventually('the operator to see it', async () => {
      const status = await fleet('notify', 'status', String(id));
      return (status.toasts as Json[]).length > 0 && status.toasts;
    });
    expect(toasts).toEqual([
      { pc_id: 'pc-1', user_sid: `uid-${people.uidOf('ann')}`, shown: true, at: expect.any(String) },
    ]);
    await fleet('notify', 'edit', String(id), '--title', 'At seven');
    await eventually('the edit', () => seen().length === 2);
    expect(seen().at(-1)).toMatchObject({ id: 1, title: 'At seven' });
    await fleet('notify', 'recall', String(id));
    await eventually('it to go', () => seen().length === 3);
    expect(seen().at(-1)).toEqual({ kind: 'closed', id: 1 });
    people.logOut('ann');
    const late = await fleet('notify', 'send', ...said, '--all', '--toast');
    await eventually('the operator to see why not', async () => {
      const { toasts: none } = await fleet('notify', 'status', String(late.id));
      return JSON.stringify(none).includes('"reason":"nobody_there"');
    });
  });
}

describe('docs/guide/notifications.md', () => {
  const commands = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.trim().split('\n'),
  );

  it('holds commands that work, in their order', async () => {
    await using site = await openBroker();
    await using dir = await tempDir();
    const quoted = program.map((word) => `'${word}'`).join(' ');
    let id = '';
    expect(commands.length).toBeGreaterThan(5);
    for (const line of commands) {
      // The id that stands in the guide is that of the notification that was sent last.
      const script = `kanade() { ${quoted} "$@"; }\n${line.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, id)}`;
      writeFileSync(`${dir.path}/line.sh`, `${script}\n`);
      const { status, stdout, stderr } = await call([`${dir.path}/line.sh`], {
        words: ['bash', '--norc'],
        env: site.env,
      });
      expect({ line, status, stderr, stdout }).toMatchObject({ status: 0, stderr: '' });
      const told = JSON.parse(stdout) as Json;
      if (told.type === 'fleet.notify.send') id = String(told.id);
    }
  });
});
