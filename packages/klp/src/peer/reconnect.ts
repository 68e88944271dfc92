/** How long to wait before the next attempt: at once, then `firstMs` doubled per failure up to `maxMs`. */
export function reconnectDelayMs(failureCount: number, { firstMs, maxMs }: { firstMs: number; maxMs: number }): number {
  if (failureCount === 0) return 0;
  return Math.min(maxMs, firstMs * 2 ** (failureCount - 1));
}
