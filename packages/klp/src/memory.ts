import { Duplex } from 'node:stream';

export interface MemoryPair {
  client: Duplex;
  server: Duplex;
}

/**
 * Two connected streams inside one process, for tests of handlers without a socket. They behave as the two ends of a local socket:
 * half-close, backpressure, and destroying one end ends the other.
 */
export function createMemoryPair(): MemoryPair {
  const client: End = createEnd(() => server);
  const server: End = createEnd(() => client);
  return { client: client.duplex, server: server.duplex };
}

interface End {
  duplex: Duplex;
  /** Lets the other end's writer go on, once somebody reads here. */
  proceed: (() => void) | undefined;
  /** The other end will write nothing more. */
  hangUp(): void;
}

function createEnd(other: () => End): End {
  let isHungUp = false;

  function release(): void {
    const { proceed } = end;
    end.proceed = undefined;
    proceed?.();
  }

  function write(chunk: Buffer, done: (error?: Error) => void): void {
    const { duplex } = other();
    if (duplex.destroyed) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    // A copy, as a kernel makes one; and the writer waits while the reader is behind.
    if (duplex.push(Buffer.from(chunk))) done();
    else other().proceed = done;
  }

  const end: End = {
    proceed: undefined,
    hangUp: () => {
      if (isHungUp || end.duplex.destroyed) return;
      isHungUp = true;
      end.duplex.push(null);
    },
    duplex: new Duplex({
      allowHalfOpen: true,
      read: release,
      write: (chunk: Buffer, _encoding, done) => write(chunk, done),
      final: (done) => {
        other().hangUp();
        done();
      },
      destroy: (error, done) => {
        release();
        other().hangUp();
        done(error);
      },
    }),
  };
  return end;
}
