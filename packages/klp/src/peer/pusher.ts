import { encodePush } from '../wire/message.ts';
import { droppedMethod } from '../wire/reserved.ts';
import type { Channel } from './channel.ts';
import type { Contract } from './contract.ts';
import type { SendPush, ServerEvent } from './serving.ts';

export interface Pusher<C extends Contract> {
  readonly push: SendPush<C>;
  /** Tells the client what was dropped since it was last told. */
  tellDropped(): void;
}

/** The pushes of one connection. Drops are counted per push, so the word about them is as small as the contract. */
export function createPusher<C extends Contract>(
  channel: Pick<Channel, 'send' | 'hasRoom'>,
  onEvent: (event: ServerEvent) => void,
): Pusher<C> {
  const untold = new Map<string, number>();
  let droppedCount = 0;

  function noteDrop(method: string): 'dropped' {
    droppedCount += 1;
    untold.set(method, (untold.get(method) ?? 0) + 1);
    onEvent({ kind: 'push_dropped', method, droppedCount });
    return 'dropped';
  }

  function tellDropped(): void {
    if (untold.size === 0) return;
    const body = encodePush(droppedMethod, { counts: Object.fromEntries(untold) });
    untold.clear();
    void channel.send(body);
  }

  return {
    push: async (method, params, { droppable = false } = {}) => {
      // Asked first: what is dropped need not be encoded.
      if (droppable && !channel.hasRoom()) return noteDrop(method);
      // Whoever hears of an end has heard before it what is missing.
      tellDropped();
      return channel.send(encodePush(method, params), { droppable });
    },
    tellDropped,
  };
}
