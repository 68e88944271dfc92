/** Every bound of a durable file with its unit. `resolveDurableLimits` holds the defaults. */
export interface DurableLimits {
  /** How long `commit` and `read` wait for another transaction before they fail with `busy`, ms. @defaultValue 10_000 */
  readonly lockWaitMs: number;
  /** How long `transact` waits for another process; it blocks the thread, ms. @defaultValue 5_000 */
  readonly transactWaitMs: number;
  /** Changes of one group commit. @defaultValue 128 */
  readonly commitChangesMax: number;
  /** Bytes after which a group commit takes no further change. @defaultValue 1_048_576 (1 MiB) */
  readonly commitBytesMax: number;
  /** Time after which one commit takes no further change, ms: it runs on the caller's event loop. @defaultValue 1 */
  readonly commitBudgetMs: number;
  /** Bytes of changes waiting for their commit; more fail with `busy`. @defaultValue 268_435_456 (256 MiB) */
  readonly pendingBytesMax: number;
  /** Files up to this size are checked in full when opened. @defaultValue 16_777_216 (16 MiB) */
  readonly openCheckBytesMax: number;
  /**
   * Room kept on the disk, as a file beside this one, so that what is done can be removed when nothing else is left; at most
   * half of a small disk. 0 keeps none. @defaultValue 2_097_152 (2 MiB)
   */
  readonly diskReserveBytes: number;
  /** Reports of salvages that the file remembers. @defaultValue 16 */
  readonly salvagesKeptMax: number;
}

const defaults: DurableLimits = {
  lockWaitMs: 10_000,
  transactWaitMs: 5_000,
  commitChangesMax: 128,
  commitBytesMax: 1024 * 1024,
  commitBudgetMs: 1,
  pendingBytesMax: 256 * 1024 * 1024,
  openCheckBytesMax: 16 * 1024 * 1024,
  diskReserveBytes: 2 * 1024 * 1024,
  salvagesKeptMax: 16,
};

/** Limits that may be zero: no wait, no check, no reserve. */
const mayBeZero: readonly string[] = ['transactWaitMs', 'openCheckBytesMax', 'diskReserveBytes'];

/** Fills in the defaults. @throws RangeError for a limit that does not exist or is not a positive whole number */
export function resolveDurableLimits(given: Partial<DurableLimits> = {}): DurableLimits {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of set) {
    if (!Object.hasOwn(defaults, name)) throw new RangeError(`Cannot use a limit that does not exist: ${name}`);
    const least = mayBeZero.includes(name) ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least)
      throw new RangeError(`Cannot use limit ${name}: ${value}, give a whole number >= ${least}`);
  }
  return { ...defaults, ...Object.fromEntries(set) };
}
