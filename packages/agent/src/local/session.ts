/** What one connection to the local socket has of its own. */
import type { Handlers } from '@kanade/klp';
import type { LocalPeer } from '@kanade/klp/socket';
import type { localContract } from '@kanade/shared/local';
import type { ProgressFeed } from './feed.ts';
import type { PushSubscriptions } from './subscriptions.ts';

/** One person on one connection. */
export interface LocalSession {
  /** By which runs, grants and read marks belong to people. */
  readonly userKey: string;
  /** Where the progress of runs goes. */
  readonly feed: ProgressFeed;
  readonly states: PushSubscriptions;
  readonly notices: PushSubscriptions;
}

export type LocalContract = typeof localContract;
export type LocalHandlers = Required<Handlers<LocalContract, LocalPeer, LocalSession>>;
