/**
 * Whose logs are watched for clients of 2026-07-28. The package keeps their subscriptions and filters what they are told; it does not say what
 * there is to watch, so their requests are read on the way in.
 */
import type { JSONRPCMessage, RequestId, Transport } from '@modelcontextprotocol/server';
import type { LogWatches } from './log-resources.ts';

export interface Listens {
  /** Watches what a message wants to hear of, until `leave` of the same key; nothing when it is no such message. */
  join(key: unknown, message: unknown): void;
  leave(key: unknown): void;
}

/** Each log is watched for as long as somebody listens to it. */
export function createListens(watches: LogWatches): Listens {
  const listens = new Map<unknown, readonly string[]>();
  return {
    join(key, message) {
      const uris = listenedUris(message);
      if (uris.length === 0) return;
      listens.set(key, uris);
      for (const uri of uris) watchIfThere(watches, uri);
    },
    leave(key) {
      const uris = listens.get(key) ?? [];
      listens.delete(key);
      const others = new Set([...listens.values()].flat());
      for (const uri of uris) if (!others.has(uri)) watches.remove(uri);
    },
  };
}

/** Addresses that a request wants to hear of. */
function listenedUris(message: unknown): readonly string[] {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: unknown };
  if (method !== 'subscriptions/listen') return [];
  const { notifications } = (params ?? {}) as { notifications?: { resourceSubscriptions?: unknown } };
  const uris = notifications?.resourceSubscriptions;
  return Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : [];
}

/** An address that is none, or one too many, is never told of anything: the package has acknowledged it. */
function watchIfThere(watches: LogWatches, uri: string): void {
  try {
    watches.add(uri);
  } catch {
    // nothing to watch
  }
}

/** The transport, with its subscriptions watched. */
export function withListens<T extends Transport>(transport: T, listens: Listens): T {
  const look = (message: JSONRPCMessage): void => {
    if (!('method' in message)) return;
    if ('id' in message && message.id !== undefined) listens.join(message.id, message);
    else if (message.method === 'notifications/cancelled')
      listens.leave((message.params as { requestId?: RequestId } | undefined)?.requestId);
  };
  let heard: Transport['onmessage'];
  Object.defineProperty(transport, 'onmessage', {
    get: () => heard,
    set(handler: Transport['onmessage']) {
      heard =
        handler &&
        ((message, extra) => {
          handler(message, extra);
          look(message);
        });
    },
  });
  return transport;
}
