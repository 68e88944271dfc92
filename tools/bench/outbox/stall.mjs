/** Event-loop delay during ten seconds of enqueues and deliveries at full speed, against the same process at rest. */
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { report } from '../report.mjs';
import { body, idOf, loadOutbox, openState, perSecond, runtime, withDirectory } from './setup.mjs';

const [burstMs, restMs] = [10_000, 2_000];
await loadOutbox();

async function delayDuring(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const result = await work();
  delay.disable();
  const ms = (percentile) => Math.round(delay.percentile(percentile) / 1e4) / 100;
  return { p50: ms(50), p99: ms(99), p999: ms(99.9), max: Math.round(delay.max / 1e4) / 100, result };
}

await withDirectory(async (directory) => {
  const rest = await delayDuring(() => sleep(restMs));
  await using state = await openState(join(directory, 'agent.db'));
  const { outbox } = state;
  const stop = new AbortController();
  let delivered = 0;
  const draining = outbox.drain({
    signal: stop.signal,
    concurrency: 64,
    async deliver() {
      delivered++;
    },
  });
  let count = 0;
  const enqueue = () => state.enqueueWithLedger({ id: idOf(count++), subject: 's', body });
  const burst = await delayDuring(() => perSecond({ callers: 64, forMs: burstMs }, enqueue));
  stop.abort();
  await draining;
  report({
    bench: 'outbox:stall',
    unit: 'ms, p99 of the event-loop delay while 64 callers enqueue 1 KiB, each with a row of the ledger, and a drain delivers, 10 s',
    value: burst.p99,
    peer: 'the same process at rest',
    peerValue: rest.p99,
    p50: burst.p50,
    p999: burst.p999,
    max: burst.max,
    enqueuesPerSecond: Math.round(burst.result),
    deliveriesPerSecond: Math.round((delivered * 1000) / burstMs),
    runtime,
  });
});
