/** What the fleet tells the person at the machine, and that it was read; needs no broker. */
import { KlpError, type SendPush } from '@kanade/klp';
import { type LocalErrorKind, localDefaults, localListMax } from '@kanade/shared/local';
import type { Notices } from '../store/notices.ts';
import { noticesPage } from './pages.ts';
import { checkedId } from './rules.ts';
import type { LocalContract, LocalHandlers } from './session.ts';
import { createSubscriptions, type PushSubscriptions } from './subscriptions.ts';

export function notificationHandlers(notices: Notices) {
  const known = (at: string | undefined): string => {
    if (at !== undefined) return at;
    throw new KlpError('NotFound' satisfies LocalErrorKind, 'no such notification for this machine');
  };
  return {
    'notifications.list': (params, { session }) => {
      const { filter = 'unread', limit = localDefaults['notifications.list'].params.limit, cursor } = params ?? {};
      const all = notices.list(session.userKey, Date.now());
      const asked = filter === 'all' ? all : all.filter(({ acked_at }) => acked_at === undefined);
      const countMax = Math.min(Math.max(limit, 1), localListMax.notifications);
      return { ...noticesPage(asked, { cursor, countMax }) };
    },
    'notifications.subscribe': (_, { session }) => ({ subscription: session.notices.subscribe() }),
    'notifications.unsubscribe': ({ subscription }, { session }) => session.notices.unsubscribe(subscription),
    'notifications.ack': ({ id }, { session, peer }) => ({
      acked_at: known(notices.ack({ userKey: session.userKey, name: peer.user }, checkedId(id), Date.now())),
    }),
    'notifications.unack': ({ id }, { session, peer }) => ({
      unacked_at: known(notices.unack({ userKey: session.userKey, name: peer.user }, checkedId(id), Date.now())),
    }),
  } satisfies Partial<LocalHandlers>;
}

/** Pushes what is new to one connection, once it has subscribed, until the signal fires. */
export function pushNotices(
  notices: Pick<Notices, 'watch'>,
  scope: { push: SendPush<LocalContract>; signal: AbortSignal; onError: (error: unknown) => void },
): PushSubscriptions {
  const subscriptions = createSubscriptions('n');
  const unwatch = notices.watch((change) => {
    if (subscriptions.isEmpty || change.kind === 'marked') return;
    const sent =
      change.kind === 'new'
        ? scope.push('notifications.new', change.notification)
        : scope.push('notifications.amended', change.amendment);
    sent.catch(scope.onError);
  });
  scope.signal.addEventListener('abort', unwatch, { once: true });
  return subscriptions;
}
