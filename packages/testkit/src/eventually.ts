/**
 * How long a condition may take, in ms, before the test that waits for it fails. Only a test that fails waits so long: the room is
 * for a machine with other work on it.
 */
export const patienceMs = 120_000;

/**
 * Waits until `condition` returns something other than undefined, null or false, and returns it. Fails after
 * {@link patienceMs} with `what` and the last error, so that a test says which condition never came true.
 */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + patienceMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<T, undefined | null | false>;
      }
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain for: ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
