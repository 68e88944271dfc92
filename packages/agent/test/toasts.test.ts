/** Notifications on the desktops of people: real session buses, and a notification server that speaks with somebody else's D-Bus client. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import {
  canPlayPeople,
  eventually,
  newestNatsServer,
  openPeople,
  type People,
  type RunningNatsServer,
  startNatsServer,
} from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { openSite, type Site } from './agent-process.ts';
import { openOperator } from './operator.ts';

const notice = (id: string, more: object = {}): string =>
  JSON.stringify({
    ...{ id, priority: 'info', title: `about ${id}`, body: '*x* < y', toast: true },
    ...{ issued_at: new Date().toISOString(), ...more },
  });

interface Machine {
  readonly people: People;
  readonly site: Site;
  readonly broker: RunningNatsServer;
  readonly operator: Awaited<ReturnType<typeof openOperator>>;
  /** Starts the agent, which serves people. */
  start(): ReturnType<Site['start']>;
  /** What became of toasts, as the fleet heard it: user, notification, and why not. */
  told(): Promise<string[]>;
  /** What is on the desktop of a person, and what was done there. */
  seen(name: string): string[];
}

async function openMachine(): Promise<Machine> {
  const closing = new AsyncDisposableStack();
  onTestFinished(() => closing.disposeAsync());
  const broker = closing.use(await startNatsServer(await newestNatsServer()));
  const operator = await openOperator(broker.url);
  const people = closing.use(await openPeople(['ann', 'bob']));
  const site = await openSite();
  chmodSync(site.path, 0o755);
  return {
    ...{ people, site, broker, operator },
    start: () => site.start({ args: ['--server', broker.url], within: people.within, forPeople: true }),
    async told() {
      const held = await operator.held('EVENTS', 'events.notifications.toasted.>');
      return held.map(({ text }) => {
        const { user_sid, notification_id, reason = 'shown' } = JSON.parse(text);
        return `${user_sid} ${notification_id} ${reason}`;
      });
    },
    seen: (name) =>
      people
        .desktop(name)
        .flatMap((event) =>
          event.kind === 'ready' ? [] : [event.kind === 'shown' ? `${event.id} ${event.title}` : `closed ${event.id}`],
        ),
  };
}

/** Confirms a notification as a person, at the local door. */
async function confirmAs(people: People, name: string, { socket }: Site, id: string): Promise<void> {
  const bin = join(import.meta.dirname, '../../klp/src/bin.ts');
  const hello = ['system.handshake', '{"client":"klp-tap","client_version":"0","protocol":[1]}'];
  const tap = [process.execPath, '--conditions=@kanade/source', bin, '--path', socket, ...hello];
  const [file = '', ...words] = [...people.as(name), ...tap, 'notifications.ack', JSON.stringify({ id })];
  const child = spawn(file, words, { stdio: 'ignore', cwd: '/' });
  expect(await once(child, 'exit')).toEqual([0, null]);
}

// Only root can play other users.
if (canPlayPeople()) {
  it('come once to each person who is there, in plain text, and go when they are confirmed or recalled', async () => {
    const { people, site, operator, start, told, seen } = await openMachine();
    for (const name of ['ann', 'bob']) {
      people.logIn(name, { isActive: name === 'ann' });
      await people.startBus(name);
    }
    await people.startServer('ann');
    await people.startServer('bob', 'plain');
    const agent = await start();
    await operator.order('notifications.all', notice('one', { require_ack: true, priority: 'emergency' }));
    await eventually('the toast', () => seen('ann').length === 1);
    expect(people.desktop('ann').at(-1)).toEqual({
      ...{ kind: 'shown', id: 1, app: 'kanade', title: 'about one', body: 'x &lt; y', urgency: 2, expires: 0 },
    });
    await operator.order('notifications.all', notice('quiet', { toast: false }));
    await operator.order('notifications.pc.pc-2', notice('stranger'));
    await operator.order('notifications.pc.pc-1', notice('two'));
    await eventually('the second one', () => seen('ann').length === 2);
    // The screen is given to somebody else: what is not read is shown there, too, as that server wants it.
    people.logIn('ann', { isActive: false });
    people.logIn('bob');
    await eventually('both on the other desktop', () => seen('bob').length === 2);
    expect(people.desktop('bob').at(-1)).toMatchObject({ body: 'x < y', urgency: 1, expires: -1 });
    // A new start of the agent shows nothing again, once it is written down; an edit takes the place of what it changes.
    const [ann, bob] = [`uid-${people.uidOf('ann')}`, `uid-${people.uidOf('bob')}`];
    const isTold = async (what: string): Promise<boolean> => (await told()).includes(what);
    await eventually('both to be told', async () => (await isTold(`${bob} one shown`)) && isTold(`${bob} two shown`));
    await agent.end();
    const again = await start();
    await operator.order('notifications.all', notice('one', { title: 'changed', require_ack: true }));
    await eventually('the edit', () => seen('bob').length === 3);
    expect(seen('bob')).toEqual(['1 about one', '2 about two', '1 changed']);
    await confirmAs(people, 'bob', site, 'one');
    await eventually('the toast to go', () => seen('bob').includes('closed 1'));
    await operator.order('notifications.all', JSON.stringify({ id: 'two', op: { kind: 'recall' } }));
    await eventually('the other one to go', () => seen('bob').includes('closed 2'));
    expect(seen('ann')).toEqual(['1 about one', '2 about two']);
    // Between two people the machine may have seen none.
    const ofPeople = async () => (await told()).filter((one) => one.startsWith('uid-')).sort();
    await eventually('the fleet to hear of it', async () => (await ofPeople()).length === 5);
    expect(await ofPeople()).toEqual([
      ...[`${ann} one shown`, `${ann} two shown`, `${bob} one shown`, `${bob} one shown`, `${bob} two shown`],
    ]);
    const logged = again.log();
    expect(logged).toContain('a notification is on the desktop');
    expect(logged).not.toContain('about one'); // what people are told is not the log's business
  });

  it('say why they are not there, and come when that is over', async () => {
    const { people, operator, start, told, seen } = await openMachine();
    const ann = `uid-${people.uidOf('ann')}`;
    await start();
    await operator.order('notifications.all', notice('n'));
    const hear = (said: string) => eventually(said, async () => (await told()).includes(said));
    await hear('nobody n nobody_there');
    people.logIn('ann');
    await hear(`${ann} n no_bus`);
    await people.startBus('ann');
    people.logIn('ann');
    await hear(`${ann} n no_server`);
    await people.startServer('ann');
    people.logIn('ann');
    await hear(`${ann} n shown`);
    expect(seen('ann')).toEqual(['1 about n']);
  });

  it('are not kept up by a server that stands still, and start one that is not there yet', async () => {
    const { people, operator, start, told, seen } = await openMachine();
    people.logIn('ann');
    await people.startBus('ann');
    await people.startServer('ann', 'slow');
    await start();
    await operator.order('notifications.all', notice('n'));
    await eventually('that it does not answer', async () => (await told()).some((one) => one.endsWith('n no_answer')));
    await people.endBus('ann');
    await people.startBus('ann', { starts: true });
    people.logIn('ann', { sinceMs: Date.now() - 3_600_000 });
    await eventually('the toast', () => seen('ann').length === 1);
  });
}
