import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * `open`: bytes flow. `stalled`: connections stand and nothing flows until it is open again. `deaf`: what the far side says
 * is thrown away, which ends the connections when the link opens again. `down`: connections are reset, new ones too.
 */
export type LinkState = 'open' | 'stalled' | 'deaf' | 'down';

/** A TCP link on loopback to a port, which a test can break. */
export interface TestLink extends AsyncDisposable {
  readonly port: number;
  set(state: LinkState): void;
  /** Ends every connection, new ones are welcome; `reset` does it without a farewell. */
  cut(how: 'close' | 'reset'): void;
}

/** Opens a link to a port of loopback. */
export async function openTestLink(farPort: number): Promise<TestLink> {
  const pairs = new Set<readonly [near: Socket, far: Socket]>();
  let state: LinkState = 'open';
  const server = createServer((near) => {
    if (state === 'down') return void near.resetAndDestroy();
    const far = connect(farPort, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    forward(near, far, () => state === 'stalled');
    forward(
      far,
      near,
      () => state === 'stalled',
      () => state === 'deaf',
    );
    for (const socket of pair) {
      socket.setNoDelay(true);
      if (state === 'stalled') socket.pause();
      socket.on('error', () => undefined); // its close says the same
      socket.once('close', () => {
        pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function cut(how: 'close' | 'reset'): void {
    for (const socket of [...pairs].flat()) how === 'reset' ? socket.resetAndDestroy() : socket.destroy();
  }

  return {
    port: (server.address() as AddressInfo).port,
    set(next) {
      const before = state;
      state = next;
      if (before === 'deaf') cut('close'); // a part of what was said is missing
      if (next === 'down') cut('reset');
      for (const socket of [...pairs].flat()) next === 'stalled' ? socket.pause() : socket.resume();
    },
    cut,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      cut('close');
      await closed;
    },
  };
}

function forward(from: Socket, to: Socket, isStalled: () => boolean, isDeaf = () => false): void {
  from.on('data', (chunk) => {
    if (!isDeaf() && !to.write(chunk)) from.pause();
  });
  to.on('drain', () => {
    if (!isStalled()) from.resume();
  });
}
