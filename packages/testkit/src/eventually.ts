/** How long a condition may take, in ms, before the test that waits for it fails. Generous: machines are noisy. */
export const patienceMs = 20_000;

/**
 * Waits until `condition` returns something other than undefined, null or false, and returns it. Fails after
 * {@link patienceMs} with `what` and the last error, so that a test says which condition never came true.
 */
export async function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = Date.now() + patienceMs;
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
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain for: ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
