/* What the agent at the other end can do: asked once per connection, so that the page shows what there is and nothing else. */
import { type Call, KlpError } from '@kanade/klp';
import {
  type HandshakeResult,
  type LocalFeature,
  type LocalNotification,
  type localContract,
  localListMax,
} from '@kanade/shared/local';
import type { OffersEvent } from '../run/board.ts';
import { noticeCountMax } from '../run/notices.ts';

type CallAgent = Call<typeof localContract>;

/** Subscribes to notifications and asks for everything that is kept per connection. An agent that lacks a method does not offer it. */
export async function askOffers(
  call: CallAgent,
  { features }: Pick<HandshakeResult, 'features'>,
): Promise<OffersEvent> {
  const [notices, support, log] = await Promise.all([
    unlessUnknown(followNotices(call)),
    unlessUnknown(call('support.status')),
    unlessUnknown(call('system.log_tail', { lines: 1 })),
  ]);
  return {
    type: 'offers',
    offers: {
      notifications: notices !== undefined,
      support: support !== undefined,
      log: log !== undefined,
      diagnostics: features?.includes('support.diagnostics' satisfies LocalFeature) === true,
    },
    notices: notices ?? [],
    grants: support?.grants ?? [],
  };
}

/** Subscribed first: what comes while the list is read is not missed. The whole list also says what was recalled meanwhile. */
async function followNotices(call: CallAgent): Promise<readonly LocalNotification[]> {
  await call('notifications.subscribe');
  const items: LocalNotification[] = [];
  let cursor: string | undefined;
  do {
    const asked = { filter: 'all' as const, limit: localListMax.notifications, ...(cursor ? { cursor } : {}) };
    const page = await call('notifications.list', asked);
    items.push(...page.items);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined && items.length < noticeCountMax);
  return items;
}

/** An older agent lacks some methods: then their pushes do not come, and everything else works. */
export async function unlessUnknown<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof KlpError && error.kind === 'MethodNotFound') return undefined;
    throw error;
  }
}
