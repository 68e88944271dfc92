/** Everything between this machine and its broker, joined: what comes in, what goes out, and how it stands. */
import type { Outbox } from '@kanade/outbox';
import type { Heartbeat } from '@kanade/shared/fleet';
import type { Logger } from '../logger.ts';
import { createAnswer } from './answer.ts';
import { type Broker, type BrokerState, createBroker } from './connect.ts';
import type { FleetCache } from './fleet-cache.ts';
import { createFleetState, type FleetState } from './fleet-state.ts';
import { createPublish } from './publish.ts';
import { createReceive, type ReceiveOptions } from './receive.ts';

export interface FleetLinkOptions extends Pick<ReceiveOptions, 'onOrder' | 'onKill'> {
  readonly pcId: string;
  /** None = no broker: nothing is ever sent or received. */
  readonly servers: readonly string[];
  readonly token: string | undefined;
  readonly cache: FleetCache;
  readonly outbox: Outbox;
  readonly beat: () => Heartbeat;
  readonly onState: (state: BrokerState) => void;
  readonly log: Logger;
  /** Fires when the agent ends; dispose of the link after it. */
  readonly signal: AbortSignal;
}

export interface FleetLink extends AsyncDisposable {
  readonly state: BrokerState;
  readonly refresh: FleetState['refresh'];
  /** Begins to connect and to deliver. Called once. */
  start(): void;
}

export function createFleetLink(options: FleetLinkOptions): FleetLink {
  const { pcId, servers, log } = options;
  let broker: Broker | undefined;
  let drained: Promise<void> | undefined;
  const shared = { ...options, connection: () => broker?.connection };
  const fleet = createFleetState({ ...shared, onGroups: () => receive.groupsChanged() });
  const receive = createReceive(shared);
  const answer = createAnswer(shared);
  return {
    get state() {
      return broker?.state ?? (servers.length === 0 ? { kind: 'none' } : { kind: 'away' });
    },
    refresh: fleet.refresh,
    start() {
      const publish = createPublish(shared);
      drained = publish.drained;
      broker = createBroker({
        servers,
        token: options.token,
        name: `kanade-agent-${pcId}`,
        onOpen: (opened) => {
          for (const part of [fleet, receive, answer]) part.open(opened);
        },
        onOnline: () => {
          for (const part of [fleet, receive, answer, publish]) part.online();
        },
        onState: options.onState,
        log,
      });
    },
    async [Symbol.asyncDispose]() {
      answer[Symbol.dispose]();
      await broker?.[Symbol.asyncDispose]();
      await drained;
    },
  };
}
