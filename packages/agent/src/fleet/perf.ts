/**
 * Tells the load of this machine, and of its busiest processes while somebody asked for that: at once on each connect and then on a
 * timer. While there is no broker nothing is looked at.
 */
import { type HostPerf, hostPerfSubject, type ProcessPerf, processPerfSubject } from '@kanade/shared/fleet';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { createHostLoad } from '../machine/host-load.ts';
import { createProcessLoad } from '../machine/process-load.ts';
import type { LiveSettings } from '../machine/settings.ts';
import { createTicker } from '../machine/ticker.ts';

export interface PerfOptions {
  readonly pcId: string;
  readonly settings: LiveSettings;
  readonly connection: () => NatsConnection | undefined;
  readonly log: Logger;
}

export function createPerf({ pcId, settings, connection, log }: PerfOptions) {
  const processes = createProcesses({ pcId, settings, connection, log });
  let hostLoad = createHostLoad();
  const ticker = createTicker(
    () => settings.current.hostPerfMs,
    () => {
      const told: HostPerf = { pc_id: pcId, at: new Date().toISOString(), ...hostLoad() };
      connection()?.publish(hostPerfSubject(pcId), JSON.stringify(told));
      processes.tell();
    },
  );
  const unwatch = settings.watch(() => {
    ticker.retime();
    processes.begin();
  });
  const away = (): void => {
    ticker.stop();
    // What was away cannot be told: the next tick is a first one.
    hostLoad = createHostLoad();
    processes.stop();
  };
  return {
    online: ticker.start,
    away,
    [Symbol.dispose]() {
      unwatch();
      away();
    },
  };
}

/** The busiest processes, while that is wanted. */
function createProcesses({ pcId, settings, connection, log }: PerfOptions) {
  const load = createProcessLoad();
  let isOn = false;
  let isLooking = false;
  function stop(): void {
    isOn = false;
    load.forget();
  }
  async function look(countMax: number): Promise<void> {
    const found = await load.look(countMax);
    if (!found || !isOn) return;
    const told: ProcessPerf = { pc_id: pcId, at: new Date().toISOString(), processes: found };
    connection()?.publish(processPerfSubject(pcId), JSON.stringify(told));
  }
  function tell(): void {
    const countMax = settings.current.processesMax(Date.now());
    if (countMax === 0) stop();
    if (countMax === 0 || isLooking || !connection()) return; // a machine that is this slow is told of the next time
    isOn = true;
    isLooking = true;
    look(countMax)
      .catch((error: unknown) => log.debug({ err: error }, 'the processes of this machine could not be told'))
      .finally(() => {
        isLooking = false;
      });
  }
  return {
    tell,
    /** They may be wanted from now on: nobody waits for the next tick. */
    begin(): void {
      if (!isOn) tell();
    },
    stop,
  };
}
