import { parseSubject, type Read } from '@kanade/shared/fleet';

/** What a message holds; undefined when it is something else: whoever may publish may write anything there. */
export function readValue<T>(message: { json(): unknown }, read: (value: unknown) => Read<T>): T | undefined {
  try {
    const value = read(message.json());
    return value.ok ? value.value : undefined;
  } catch {
    return undefined; // no JSON
  }
}

/**
 * Whether a message that names a machine came on a subject of that machine. The broker lets nobody else speak there: what says
 * something else of itself is not believed.
 */
export function isFrom({ subject }: { readonly subject: string }, pc: string): boolean {
  const address = parseSubject(subject);
  return address !== undefined && 'pcId' in address && address.pcId === pc;
}
