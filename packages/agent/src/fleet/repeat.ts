import { setTimeout as sleep } from 'node:timers/promises';

/** A job in the background of which at most one instance runs. */
export interface Repeated {
  /** Runs it now, or once more after the instance that is running. */
  kick(): void;
}

interface RepeatOptions {
  readonly run: () => Promise<void>;
  /** `failures` counts those in a row, from 1. */
  readonly onError: (error: unknown, failures: number) => void;
  /** Wait after the first failure before the next try, in ms; doubles up to 16 times as much. */
  readonly retryMs: number;
  /** Run it again so long after a success, in ms; default never. */
  readonly everyMs?: number;
  readonly signal: AbortSignal;
}

/** Failures are reported and tried again until the signal fires. */
export function createRepeated({ run, onError, retryMs, everyMs, signal }: RepeatOptions): Repeated {
  let isRunning = false;
  let isWanted = false;
  let failures = 0;
  let waiting = new AbortController();

  async function loop(): Promise<void> {
    while (isWanted && !signal.aborted) {
      isWanted = false;
      let pauseMs = everyMs;
      try {
        await run();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        failures++;
        onError(error, failures);
        pauseMs = retryMs * Math.min(2 ** (failures - 1), 16);
      }
      if (isWanted || pauseMs === undefined) continue;
      waiting = new AbortController();
      await sleep(pauseMs, undefined, { signal: AbortSignal.any([signal, waiting.signal]), ref: false }).catch(() => {
        // Kicked, or at the end: both are seen above.
      });
      isWanted = true;
    }
  }

  return {
    kick() {
      failures = 0;
      isWanted = true;
      waiting.abort();
      if (isRunning) return;
      isRunning = true;
      void loop().finally(() => {
        isRunning = false;
      });
    },
  };
}
