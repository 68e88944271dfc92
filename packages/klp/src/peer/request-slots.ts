export interface RequestSlots {
  /** Starts the task, or keeps it until a place is free. False when there is no room to wait either. Tasks must not reject. */
  run(task: () => Promise<void>): boolean;
  /** Starts the task at once, outside the places; it still counts for `idle`. */
  runNow(task: () => Promise<void>): void;
  /** Forgets the tasks that have not started. */
  clear(): void;
  readonly waiting: number;
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>;
}

/** Runs at most `runningMax` tasks at a time and keeps at most `waitingMax` more, first come first served. */
export function createRequestSlots(options: { runningMax: number; waitingMax: number }): RequestSlots {
  const waiting: (() => Promise<void>)[] = [];
  let placed = 0;
  let running = 0;
  let onIdle: (() => void)[] = [];

  function start(task: () => Promise<void>, ended: () => void): void {
    running += 1;
    void task().finally(() => {
      running -= 1;
      ended();
      if (running > 0 || waiting.length > 0) return;
      for (const resolve of onIdle) resolve();
      onIdle = [];
    });
  }

  function place(task: () => Promise<void>): void {
    placed += 1;
    start(task, () => {
      placed -= 1;
      const next = waiting.shift();
      if (next) place(next);
    });
  }

  return {
    run: (task) => {
      if (placed < options.runningMax) place(task);
      else if (waiting.length < options.waitingMax) waiting.push(task);
      else return false;
      return true;
    },
    runNow: (task) => start(task, () => {}),
    clear: () => {
      waiting.length = 0;
    },
    get waiting() {
      return waiting.length;
    },
    idle: () => (running === 0 && waiting.length === 0 ? Promise.resolve() : new Promise((done) => onIdle.push(done))),
  };
}
