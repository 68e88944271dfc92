import { KlpError } from '@kanade/klp';
import type { LocalErrorKind } from '@kanade/shared/local';

/** PushSubscriptions of one connection to one kind of push. However often it subscribes, it gets each push once. */
export interface PushSubscriptions {
  subscribe(): string;
  /** Throws KlpError `NotFound`. */
  unsubscribe(subscription: string): null;
  readonly isEmpty: boolean;
}

/** `letter` stands in their ids. */
export function createSubscriptions(letter: string): PushSubscriptions {
  const held = new Set<string>();
  let count = 0;
  return {
    subscribe() {
      const subscription = `sub-${letter}-${++count}`;
      held.add(subscription);
      return subscription;
    },
    unsubscribe(subscription) {
      if (!held.delete(subscription)) throw new KlpError('NotFound' satisfies LocalErrorKind, 'no such subscription');
      return null;
    },
    get isEmpty() {
      return held.size === 0;
    },
  };
}
