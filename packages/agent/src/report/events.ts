/** What happens on this machine besides the ends of runs, told to the fleet through the outbox (`obs.<pc_id>`). */
import { randomUUID } from 'node:crypto';
import type { Outbox } from '@kanade/outbox';
import { type ObsEvent, type ObsKind, subjectOf } from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';

/**
 * Tells of something; the kind is from an open vocabulary. Never throws, and what is too much in a minute is only counted, but for
 * the use of a key whose every use is to be told.
 */
export type Tell = (kind: string, payload: object) => void;

export interface EventsOptions {
  readonly pcId: string;
  readonly outbox: Pick<Outbox, 'enqueue'>;
  readonly log: Logger;
}

const idPrefix = 'obs.';

/**
 * Told however much there is: the use of a key that asks for it. Else whoever sends sixty forged orders a minute could hide that
 * somebody broke the glass. Only who holds such a key can make many of them.
 */
const alwaysTold: ObsKind = 'command_signature_ok';

/** Under which an event is sent, from what it is known by. */
export const eventId = (id: string): string => `${idPrefix}${id}`;

/** True for the id under which an event is sent. */
export const isEventId = (id: string): boolean => id.startsWith(idPrefix);

/** An event as the outbox takes it. */
export function eventRecord(
  pcId: string,
  kind: string,
  payload: object,
): { id: string; subject: string; body: Buffer } {
  const id = randomUUID();
  const event: ObsEvent = {
    pc_id: pcId,
    at: new Date().toISOString(),
    kind,
    source: kind.startsWith('support_') ? 'agent:support' : `agent:${kind}`,
    event_record_id: id,
    payload,
  };
  return { id: eventId(id), subject: subjectOf({ kind: 'obs', pcId }), body: Buffer.from(JSON.stringify(event)) };
}

export function createEvents({ pcId, outbox, log }: EventsOptions): Tell {
  let minute = { fromMs: Number.NEGATIVE_INFINITY, told: 0 };
  let untold = 0;
  return (kind, payload) => {
    const nowMs = performance.now();
    if (nowMs - minute.fromMs >= 60_000) minute = { fromMs: nowMs, told: 0 };
    if (kind !== alwaysTold && ++minute.told > limits.eventsPerMinuteMax) {
      untold++;
      return;
    }
    const told = untold > 0 ? { ...payload, events_not_told: untold } : payload;
    untold = 0;
    outbox.enqueue(eventRecord(pcId, kind, told)).catch((error: unknown) => {
      log.warn({ err: error, kind }, 'an event could not be put on disk; it is not told');
    });
  };
}
