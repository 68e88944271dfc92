/** The object store of releases, as this machine may read it: one object by its name, never the list of them. */
import { FleetError, objectInfo, readObject } from '@kanade/fleet/objects';
import { objectStoresOnDemand } from '@kanade/shared/fleet-words';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import type { ReleaseReads } from '../update/install.ts';
import { whileConnected } from './connect.ts';
import { fault, objectFaultOf } from './script-objects.ts';

interface ReleaseObjectsOptions {
  readonly connection: () => NatsConnection | undefined;
  readonly log: Logger;
}

export function createReleaseObjects({ connection, log }: ReleaseObjectsOptions): ReleaseReads {
  return {
    get brokerVersion() {
      return connection()?.info?.version;
    },
    async read(name, { take, signal }) {
      const open = connection();
      if (!open) return fault('away');
      const going = new AbortController();
      const ended = AbortSignal.any([signal, going.signal]);
      const taking = { isUnderWay: false };
      const readNow = async () => {
        const look = await objectInfo(open, { store: objectStoresOnDemand.agentReleases, name, signal: ended });
        if (!look.ok) return fault(look.reason);
        const bytes = readObject(open, look.object, { signal: ended });
        return { kind: 'taken', value: await take(notedIn(taking, bytes), look.object.size) } as const;
      };
      const reading = readNow();
      try {
        return await whileConnected(open, reading);
      } catch (error) {
        going.abort(new Error('nobody reads any more'));
        // What takes them has let go by then, or was done all the same: a program that was exchanged is exchanged.
        const done = await reading.catch(() => undefined);
        if (done?.kind === 'taken') return done;
        signal.throwIfAborted();
        if (taking.isUnderWay && !(error instanceof FleetError)) throw error; // what takes them could not
        log.warn({ err: error, release: name }, 'a release could not be read from the broker');
        return objectFaultOf(error);
      }
    },
  };
}

/** The same bytes; says whether it is the reader of them who is at work. */
async function* notedIn(taking: { isUnderWay: boolean }, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    taking.isUnderWay = true;
    yield piece;
    taking.isUnderWay = false;
  }
  taking.isUnderWay = true;
}
