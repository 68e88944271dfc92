import process from 'node:process';
import type { Emit, OutboxEvent } from './event.ts';
import { reasonOf } from './reason.ts';

/**
 * Hands events to the caller's listener, after the commit they speak of and outside of our own steps. A listener that fails, at
 * once or by a promise, loses its event and nothing else; the first failure is told as a process warning.
 */
export function createEmit(onEvent: ((event: OutboxEvent) => unknown) | undefined): Emit {
  if (onEvent === undefined) return () => {};
  let told = false;
  const tell = (error: unknown): void => {
    if (told) return;
    told = true;
    const message = `onEvent of an outbox failed; the outbox goes on, later failures are not told: ${reasonOf(error)}`;
    process.emitWarning(message, { type: 'OutboxWarning', code: 'OUTBOX_LISTENER_FAILED' });
  };
  const call = (event: OutboxEvent): void => {
    try {
      // An async listener is one too, whatever its type says.
      const result = onEvent(event);
      if (result instanceof Promise) result.catch(tell);
    } catch (error) {
      tell(error);
    }
  };
  return (event) => queueMicrotask(() => call(event));
}
