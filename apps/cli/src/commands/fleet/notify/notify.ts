import { defineCommand, noWords, oneWord, UsageError } from '../../../call/command.ts';
import { withFleet } from '../connect.ts';
import { operator } from '../operator.ts';
import { targetOptions, targetsOf } from '../orders/targets.ts';
import { durationOption, momentOption } from '../times.ts';

const priorities = ['info', 'warn', 'emergency'] as const;

const said = {
  title: { kind: 'text', value: 'TEXT', help: 'one line' },
  body: { kind: 'text', value: 'TEXT', help: 'what it says, in Markdown' },
  priority: { kind: 'text', value: 'WORD', values: priorities, help: 'info, warn or emergency (default: info)' },
  expires: { kind: 'text', value: 'TIME', help: 'when it is over: RFC 3339, or a duration such as 2h' },
} as const;

interface Said {
  readonly title?: string | undefined;
  readonly body?: string | undefined;
  readonly priority?: string | undefined;
  readonly expires?: string | undefined;
}

/** What of it was given. */
function partsOf({ title, body, priority, expires }: Said) {
  return {
    ...(title === undefined ? {} : { title }),
    ...(body === undefined ? {} : { body }),
    ...(priority === undefined ? {} : { priority: priority as (typeof priorities)[number] }),
    ...(expires === undefined ? {} : { expires_at: momentOf(expires) }),
  };
}

function momentOf(text: string): string {
  if (/^\d{4}-/.test(text)) return momentOption('expires', text);
  return new Date(Date.now() + durationOption('expires', text)).toISOString();
}

export const notifySend = defineCommand({
  name: 'notify send',
  summary: 'tell the people at machines something; those who are away are told later',
  usage: '',
  options: {
    ...said,
    ...targetOptions,
    'require-ack': { kind: 'flag', help: 'ask each of them to confirm it' },
    toast: { kind: 'flag', help: 'show it on their desktops, too, where that can be (Linux)' },
  },
  examples: [
    'kanade fleet notify send --title "Maintenance at six" --body "Please save your work." --group lab --expires 8h',
    'kanade fleet notify send --title "New policy" --body "Read and confirm." --all --require-ack --toast',
  ],
  async run(options, words, context) {
    noWords(words);
    const { title, body } = options;
    if (title === undefined || body === undefined) throw new UsageError('--title and --body are needed');
    const targets = targetsOf(options);
    const told = {
      priority: 'info' as const,
      ...partsOf(options),
      title,
      body,
      issued_by: operator().user,
      ...(options['require-ack'] ? { require_ack: true } : {}),
      ...(options.toast ? { toast: true } : {}),
    };
    return withFleet(context, async ({ fleet, sendNotification, audit }) => {
      const notification = await sendNotification(fleet, told, { targets, signal: context.io.signal });
      const { id } = notification;
      const noted = await audit({ action: 'notify.send', about: id, details: { title, targets } });
      return { type: 'fleet.notify.send', id, notification, targets, ...noted };
    });
  },
});

export const notifyEdit = defineCommand({
  name: 'notify edit',
  summary: 'change what was told; who has confirmed it need not again',
  usage: 'ID',
  options: { ...said, 'reset-acks': { kind: 'flag', help: 'ask those who have confirmed it again' } },
  examples: ['kanade fleet notify edit 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77 --body "At seven." --reset-acks'],
  async run(options, words, context) {
    const id = oneWord(words, 'ID');
    const change = partsOf(options);
    const acksReset = options['reset-acks'] ?? false;
    if (Object.keys(change).length === 0 && !acksReset)
      throw new UsageError('nothing to change: give --title, --body, --priority, --expires or --reset-acks');
    return withFleet(context, async ({ fleet, editNotification, audit }) => {
      const asked = { change, acksReset, signal: context.io.signal };
      const notification = await editNotification(fleet, id, asked);
      const noted = await audit({ action: 'notify.edit', about: id, details: { ...change, acks_reset: acksReset } });
      return { type: 'fleet.notify.edit', id, notification, ...noted };
    });
  },
});

export const notifyRecall = defineCommand({
  name: 'notify recall',
  summary: 'take back what was told: nobody sees it any more, and who is away never will',
  usage: 'ID',
  options: {},
  examples: ['kanade fleet notify recall 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77'],
  async run(_options, words, context) {
    const id = oneWord(words, 'ID');
    return withFleet(context, async ({ fleet, recallNotification, audit }) => {
      await recallNotification(fleet, id, { signal: context.io.signal });
      return { type: 'fleet.notify.recall', id, ...(await audit({ action: 'notify.recall', about: id, details: {} })) };
    });
  },
});

export const notifyStatus = defineCommand({
  name: 'notify status',
  summary: 'show what was told, who has confirmed it, and on whose desktops it was',
  usage: 'ID',
  options: {},
  notes: [
    'Of one that was sent with --toast, "toasts" says for each person and machine whether it was on the desktop, and if not, why; for 7 days. A machine that says nothing has not heard of it, or has an agent that shows none.',
  ],
  examples: ['kanade fleet notify status 6f0f1a52-6c2e-4d36-9b8b-0f5c3a1d9e77'],
  async run(_options, words, context) {
    const id = oneWord(words, 'ID');
    return withFleet(context, async ({ fleet, notificationStatus }) => {
      const status = await notificationStatus(fleet, id, { signal: context.io.signal });
      const { notification, subjects, isRecalled, readBy, toasts } = status;
      const about = { recalled: isRecalled, read_by: readBy, ...(toasts ? { toasts } : {}) };
      return { type: 'fleet.notify.status', id, notification, subjects, ...about };
    });
  },
});
