/** The object store of releases, as this machine may read it: one object by its name, never the list of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cuts, FleetError, objectInfo, readObject } from '@kanade/fleet/objects';
import { objectStoresOnDemand } from '@kanade/shared/fleet-words';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { ReleaseReads } from '../update/install.ts';
import { watchConnection, whileConnected } from './connect.ts';
import { fault, objectFaultOf } from './script-objects.ts';

interface ReleaseObjectsOptions {
  readonly connection: () => NatsConnection | undefined;
  /** Resolves when the broker is there, or has come again. */
  readonly untilOnline: () => Promise<void>;
  readonly log: Logger;
}

export function createReleaseObjects({ connection, untilOnline, log }: ReleaseObjectsOptions): ReleaseReads {
  return {
    get brokerVersion() {
      return connection()?.info?.version;
    },
    async read(name, { take, signal }) {
      const open = connection();
      if (!open) return fault('away');
      const taking = { isUnderWay: false };
      try {
        const place = { store: objectStoresOnDemand.agentReleases, name, signal };
        const look = await whileConnected(open, objectInfo(open, place));
        if (!look.ok) return fault(look.reason);
        const cuts = goOn({
          connection,
          untilOnline,
          signal,
          onCut: () => log.info({ release: name }, 'a fetch was cut: it goes on'),
        });
        const bytes = notedIn(taking, readObject(open, look.object, { signal, cuts }), cuts.progress);
        return { kind: 'taken', value: await take(bytes, look.object.size) };
      } catch (error) {
        signal.throwIfAborted();
        if (taking.isUnderWay && !(error instanceof FleetError)) throw error; // what takes them could not
        log.warn({ err: error, release: name }, 'a release could not be read from the broker');
        return objectFaultOf(error);
      }
    },
  };
}

interface GoingOn extends Pick<ReleaseObjectsOptions, 'connection' | 'untilOnline'> {
  readonly signal: AbortSignal;
  readonly onCut: () => void;
}

/** A fetch that is cut waits for its broker, and goes on where it stopped, for as long as it comes further each time. */
function goOn({ connection, untilOnline, signal, onCut }: GoingOn): Cuts & { readonly progress: () => void } {
  let inVain = 0;
  return {
    watch: watchConnection,
    progress() {
      inVain = 0;
    },
    async next(error) {
      signal.throwIfAborted();
      if (objectFaultOf(error).reason !== 'away' || ++inVain > limits.fetchInVainMax) throw error;
      onCut();
      const done = new AbortController();
      const late = sleep(limits.fetchAwayMs, undefined, { signal: AbortSignal.any([signal, done.signal]), ref: false });
      try {
        await Promise.race([untilOnline(), late]);
      } finally {
        done.abort();
        late.catch(() => undefined);
      }
      const open = connection();
      if (!open) throw error;
      return open;
    },
  };
}

/** The same bytes; says whether it is the reader of them who is at work, and that there were some. */
async function* notedIn(
  taking: { isUnderWay: boolean },
  bytes: AsyncIterable<Uint8Array>,
  progress: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    progress();
    taking.isUnderWay = true;
    yield piece;
    taking.isUnderWay = false;
  }
  taking.isUnderWay = true;
}
