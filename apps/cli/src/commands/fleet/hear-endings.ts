/** Who answers a kill: the ending of each run that it stopped. Loaded on demand with the library. */
import { type Fleet, sendKill } from '@kanade/fleet';
import { createReader, ExecResult, type Read } from '@kanade/shared/fleet';

export interface KillOptions {
  readonly execId: string;
  /** How long the first ending may take, in ms. */
  readonly waitMs: number;
  /** How long the next one may take, in ms. */
  readonly quietMs: number;
  /** Hears of each ending when it comes. */
  onEnding(ending: KilledRun): void;
  readonly signal: AbortSignal;
}

/** A run of the order that has ended since the kill. */
export type KilledRun = Pick<ExecResult, 'pc_id' | 'exit_code' | 'ending' | 'result_id'>;

/**
 * Tells every machine that is online to stop an order, and listens for the results of its runs until they stay away. Empty when
 * nobody has answered: an unknown id, one that has ended, or machines that are away. Throws FleetError, and the reason of the signal.
 */
export async function killAndHear(fleet: Fleet, options: KillOptions): Promise<KilledRun[]> {
  const { execId, waitMs, quietMs, onEnding, signal } = options;
  const readResult = createReader(ExecResult);
  const heard: KilledRun[] = [];
  // Before the word goes out: whoever is quick must not be missed.
  const subscription = fleet.connection.subscribe('results.>');
  const stop = (): void => subscription.unsubscribe();
  signal.addEventListener('abort', stop, { once: true });
  let timer: NodeJS.Timeout | undefined;
  try {
    await sendKill(fleet, execId, { signal });
    timer = setTimeout(stop, waitMs);
    for await (const message of subscription) {
      const result = read(() => readResult(message.json()));
      if (result?.exec_id !== execId) continue;
      clearTimeout(timer);
      timer = setTimeout(stop, quietMs);
      const { pc_id, exit_code, ending, result_id } = result;
      heard.push({ pc_id, exit_code, ending, result_id });
      onEnding({ pc_id, exit_code, ending, result_id });
    }
    signal.throwIfAborted();
    return heard;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** Undefined for what is no result: others may write there too. */
function read(attempt: () => Read<ExecResult>): ExecResult | undefined {
  try {
    const result = attempt();
    return result.ok ? result.value : undefined;
  } catch {
    return undefined; // no JSON
  }
}
