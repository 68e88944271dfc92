import { natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { editNotification, notificationStatus, recallNotification, sendNotification } from '../src/index.ts';
import { openTestFleet } from './open-test-fleet.ts';

const said = { title: 'At six', body: 'Save.', priority: 'info', toast: true } as const;
const at = '2026-11-27T08:00:00Z';

describe.each(await natsServers())('notificationStatus on nats-server $version', ({ path }) => {
  it('tells who has confirmed it and on which desktops it was, whatever machines are called, and nothing of others', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const { id } = await sendNotification(fleet, said, { targets: [{ kind: 'all' }, { kind: 'pc', pc: 'pc-1' }] });
    const { id: other } = await sendNotification(fleet, said, { targets: [{ kind: 'all' }] });
    const tell = (subject: string, body: object | string) =>
      fleet.jetstream.publish(subject, typeof body === 'string' ? body : JSON.stringify(body));
    const mark = (key: string) => tell(`$KV.notifications_read.${key}`, { acked_at: at, acked_by: 'ann' });
    const toast = (pc_id: string, user_sid: string, more: object = {}) =>
      tell(`events.notifications.toasted.${pc_id}.${user_sid}.${id}`, {
        ...{ notification_id: id, pc_id, user_sid, at, ...more },
      });
    for (const pc of ['pc-1', 'host.example.com', 'a.b.c.d.e.f']) await mark(`${pc}.uid-1000.${id}`);
    await mark(`pc-1.uid-1000.${other}`);
    await mark(`pc-1.uid-1000.x.${id}`);
    await tell(`$KV.notifications_read.pc-2.uid-1.${id}`, 'nonsense');
    await toast('pc-1', 'nobody', { reason: 'nobody_there' });
    await toast('pc-1', 'uid-1000', { reason: 'no_server' });
    await toast('pc-1', 'uid-1000');
    await toast('a.b.c.d.e.f', 'nobody', { reason: 'nobody_there' });
    const status = await notificationStatus(fleet, id);
    expect([...status.subjects].sort()).toEqual(['notifications.all', 'notifications.pc.pc-1']);
    expect(status.readBy.map(({ pc_id, user_sid }) => `${pc_id} ${user_sid}`).sort()).toEqual([
      'a.b.c.d.e.f uid-1000',
      'host.example.com uid-1000',
      'pc-1 uid-1000',
    ]);
    expect(status.toasts?.toSorted((a, b) => a.pc_id.localeCompare(b.pc_id))).toEqual([
      { pc_id: 'a.b.c.d.e.f', shown: false, reason: 'nobody_there', at },
      { pc_id: 'pc-1', user_sid: 'uid-1000', shown: true, at },
    ]);
    await editNotification(fleet, id, { change: { title: 'At seven' }, acksReset: true });
    await recallNotification(fleet, id);
    const later = await notificationStatus(fleet, id);
    expect(later).toMatchObject({ isRecalled: true, notification: { title: 'At seven' } });
    expect(later.readBy.every(({ outdated }) => outdated)).toBe(true);
    expect((await notificationStatus(fleet, other)).readBy).toHaveLength(1);
  });

  it('finds one whose id others made, and sends none that machines would not take', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    // By its looks it was made in a year that is far off.
    for (const id of ['n-1', 'ffffffff-ffff-7000-8000-000000000000']) {
      await fleet.jetstream.publish('notifications.all', JSON.stringify({ ...said, id, issued_at: at }));
      expect(await notificationStatus(fleet, id)).toMatchObject({ notification: { id }, readBy: [], toasts: [] });
    }
    const long = { ...said, body: 'あ'.repeat(22_000) };
    const sent = sendNotification(fleet, long, { targets: [{ kind: 'all' }] });
    await expect(sent).rejects.toMatchObject({
      code: 'notification_invalid',
      message: expect.stringContaining('machines take 65536: say less'),
    });
    await expect(notificationStatus(fleet, 'n-2')).rejects.toMatchObject({ code: 'notification_not_found' });
  });
});
