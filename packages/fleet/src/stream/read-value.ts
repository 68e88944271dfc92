import type { Read } from '@kanade/shared/fleet';

/** What a message holds; undefined when it is something else: whoever may publish may write anything there. */
export function readValue<T>(message: { json(): unknown }, read: (value: unknown) => Read<T>): T | undefined {
  try {
    const value = read(message.json());
    return value.ok ? value.value : undefined;
  } catch {
    return undefined; // no JSON
  }
}
