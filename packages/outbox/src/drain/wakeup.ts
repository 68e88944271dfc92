import type { Clock } from '@kanade/durable';

/** A bell with a memory: a ring while nobody sleeps makes the next sleep end at once. One sleeper. */
export interface Wakeup {
  ring(): void;
  /** Whether the next sleep would end at once. */
  isRung(): boolean;
  /** Resolves at the next ring, or after `timeoutMs`. */
  sleep(timeoutMs: number): Promise<void>;
}

export function createWakeup(clock: Clock): Wakeup {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    isRung: () => rung,
    async sleep(timeoutMs) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const cancel = clock.setTimer(resolve, timeoutMs);
          wake = () => {
            cancel();
            resolve();
          };
        });
        wake = null;
      }
      rung = false;
    },
  };
}
