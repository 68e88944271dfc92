/**
 * A notification server on the session bus of whoever starts it, with the D-Bus client of somebody else. What it is told it appends to the
 * file that is named, one JSON document a line; words behind that say how it is odd: `slow` never answers, `plain` reads no markup.
 */
import { appendFileSync } from 'node:fs';
import dbus from 'dbus-next';

const [file = '', ...oddities] = process.argv.slice(2);
const tell = (event: object): void => appendFileSync(file, `${JSON.stringify(event)}\n`);
const never = new Promise<never>(() => undefined);
let count = 0;

class NotificationServer extends dbus.interface.Interface {
  GetCapabilities(): string[] | Promise<never> {
    if (oddities.includes('slow')) return never;
    return oddities.includes('plain') ? ['body'] : ['body', 'body-markup', 'actions'];
  }

  // What the specification names, in its order.
  Notify(...told: [string, number, string, string, string, string[], Record<string, dbus.Variant>, number]): number {
    const [app, replaces, , title, body, , hints, expires] = told;
    if (replaces === 0) count++;
    const id = replaces === 0 ? count : replaces;
    tell({ kind: 'shown', id, app, title, body, urgency: hints.urgency?.value, expires });
    return id;
  }

  CloseNotification(id: number): void {
    tell({ kind: 'closed', id });
  }
}
NotificationServer.configureMembers({
  methods: {
    GetCapabilities: { inSignature: '', outSignature: 'as' },
    Notify: { inSignature: 'susssasa{sv}i', outSignature: 'u' },
    CloseNotification: { inSignature: 'u', outSignature: '' },
  },
});

const bus = dbus.sessionBus();
bus.export('/org/freedesktop/Notifications', new NotificationServer('org.freedesktop.Notifications'));
await bus.requestName('org.freedesktop.Notifications', 0);
tell({ kind: 'ready' });
