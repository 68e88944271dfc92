import { rmSync } from 'node:fs';
import { eventually, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { openSite } from './agent-process.ts';
import { openOperator } from './operator.ts';
import { openPerson } from './person.ts';

const notice = (id: string, more: object = {}): string =>
  JSON.stringify({ id, priority: 'info', title: `about ${id}`, body: 'x', issued_at: '2026-11-27T08:00:00Z', ...more });

describe('notifications', () => {
  it('come live and missed, are confirmed without a broker, and the fleet hears of it later', async () => {
    await using broker = await startNatsServer(await newestNatsServer());
    const operator = await openOperator(broker.url);
    // Before the agent has ever been there; one of them for another machine, one over, one that is none.
    await operator.order('notifications.all', notice('missed', { issued_at: '2026-11-26T08:00:00Z' }));
    await operator.order('notifications.pc.pc-2', notice('stranger'));
    await operator.order('notifications.pc.pc-1', notice('over', { expires_at: '2026-11-27T08:00:01Z' }));
    await operator.order('notifications.pc.pc-1', 'nonsense');
    const site = await openSite();
    await site.start({ args: ['--server', broker.url] });
    const person = await openPerson(site.socket);
    const list = async (filter: 'unread' | 'all' = 'unread') =>
      (await person.call('notifications.list', { filter })).items.map(({ id }) => id);
    await eventually('what was missed', async () => (await list()).includes('missed'));
    await person.call('notifications.subscribe');
    await operator.order('notifications.pc.pc-1', notice('live', { require_ack: true }));
    await eventually('the push', () => person.notices.some(({ id }) => id === 'live'));
    expect(await list()).toEqual(['live', 'missed']);
    expect(await list('all')).toEqual(['live', 'missed']);
    await expect(person.call('notifications.ack', { id: 'stranger' })).rejects.toMatchObject({ kind: 'NotFound' });
    await expect(person.call('notifications.ack', { id: '../x' })).rejects.toMatchObject({ kind: 'InvalidParams' });

    await broker.stop();
    const { acked_at } = await person.call('notifications.ack', { id: 'live' });
    expect(await list()).toEqual(['missed']);
    expect((await person.call('notifications.list', { filter: 'all' })).items[0]).toMatchObject({
      id: 'live',
      acked_at,
    });
    await person.call('notifications.ack', { id: 'missed' });
    await person.call('notifications.unack', { id: 'missed' });
    expect(await list()).toEqual(['missed']);
    await broker.restart();
    const uid = `uid-${process.getuid?.()}`;
    const marks = await eventually('the marks', async () => {
      const held = await operator.held('KV_notifications_read', `$KV.notifications_read.pc-1.${uid}.>`);
      const textOf = (id: string) => held.find(({ subject }) => subject.endsWith(`.${id}`))?.text;
      const [live, missed] = [textOf('live'), textOf('missed')];
      return live !== undefined && missed === '' && { live };
    });
    expect(JSON.parse(marks.live)).toEqual({ acked_at, acked_by: expect.any(String) });
    const told = await operator.held('EVENTS', 'events.notifications.>');
    expect(told.map(({ subject }) => subject).sort()).toEqual(
      ['acked', 'acked', 'unacked'].map(
        (verb, index) => `events.notifications.${verb}.pc-1.${uid}.${index === 0 ? 'live' : 'missed'}`,
      ),
    );
  });

  it('change with an edit, ask again when it says so, and go with a recall, also for the next agent', async () => {
    await using broker = await startNatsServer(await newestNatsServer());
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const args = ['--server', broker.url];
    const agent = await site.start({ args });
    const person = await openPerson(site.socket);
    await eventually('the agent to be online', async () => (await person.call('state.snapshot')).online);
    await person.call('notifications.subscribe');
    await operator.order('notifications.all', notice('one'));
    await operator.order('notifications.all', notice('two'));
    await eventually('both', () => person.notices.length === 2);
    const { next_cursor: cursor } = await person.call('notifications.list', { limit: 1 });
    await person.call('notifications.ack', { id: 'one' });
    expect((await person.call('notifications.list', { cursor })).items.map(({ id }) => id)).toEqual(['two']);
    await operator.order('notifications.all', notice('one', { body: 'y' }));
    await eventually('the edit', () => person.notices.some(({ body }) => body === 'y'));
    const unread = async () => (await person.call('notifications.list')).items.map(({ id }) => id);
    expect(await unread()).toEqual(['two']);
    await operator.order('notifications.all', notice('one', { body: 'z', acks_reset_at: '2999-01-01T00:00:00Z' }));
    await eventually('the question again', async () => (await unread()).includes('one'));
    await operator.order('notifications.all', JSON.stringify({ id: 'two', op: { kind: 'recall' } }));
    await eventually('the recall', () => person.recalled.includes('two'));
    expect(await unread()).toEqual(['one']);
    await person.close();
    await agent.end();
    await operator.order('notifications.all', JSON.stringify({ id: 'one', op: { kind: 'recall' } }));
    await site.start({ args });
    const later = await openPerson(site.socket);
    await eventually('nothing to be left', async () => (await later.call('notifications.list')).items.length === 0);
  });

  it('stay confirmed when the file of the agent is lost', async () => {
    await using broker = await startNatsServer(await newestNatsServer());
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const args = ['--server', broker.url];
    const agent = await site.start({ args });
    const person = await openPerson(site.socket);
    for (const id of ['read', 'withdrawn', 'never']) await operator.order('notifications.all', notice(id));
    await eventually('all of them', async () => (await person.call('notifications.list')).items.length === 3);
    const { acked_at } = await person.call('notifications.ack', { id: 'read' });
    await person.call('notifications.ack', { id: 'withdrawn' });
    await person.call('notifications.unack', { id: 'withdrawn' });
    const markOf = async (id: string) =>
      (await operator.held('KV_notifications_read', `$KV.notifications_read.pc-1.*.${id}`)).at(-1)?.text;
    await eventually('the marks', async () => Boolean(await markOf('read')) && (await markOf('withdrawn')) === '');
    await person.close();
    await agent.end();
    // The mark of somebody at another machine is none of ours.
    await operator.put(
      'notifications_read',
      `pc-2.uid-${process.getuid?.()}.never`,
      JSON.stringify({ acked_at, acked_by: 'x' }),
    );
    rmSync(site.data, { recursive: true });
    await site.start({ args });
    const later = await openPerson(site.socket);
    await eventually('all of them again', async () => {
      const { items } = await later.call('notifications.list', { filter: 'all' });
      return items.length === 3 && items;
    });
    expect((await later.call('notifications.list')).items.map(({ id }) => id).sort()).toEqual(['never', 'withdrawn']);
    expect(
      (await later.call('notifications.list', { filter: 'all' })).items.find(({ id }) => id === 'read'),
    ).toMatchObject({ acked_at });
  });
});
