import { expect, it } from 'vitest';
import { createLogger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import { createEvents } from './events.ts';

it('a flood of events is cut and counted, and hides no use of a key whose every use is to be told', () => {
  const told: { kind: string; payload: { at?: number; events_not_told?: number } }[] = [];
  const outbox = {
    enqueue: async ({ body }: { body: Uint8Array }) => void told.push(JSON.parse(Buffer.from(body).toString('utf8'))),
  };
  const log = createLogger('silent', () => undefined);
  const tell = createEvents({ pcId: 'pc-1', outbox: outbox as never, log });
  for (let at = 0; at < 200; at++) tell('command_signature_invalid', { at });
  for (let at = 0; at < 100; at++) tell('command_signature_ok', { at });
  const of = (kind: string) => told.filter((event) => event.kind === kind).map(({ payload }) => payload.at);
  expect(of('command_signature_invalid').length).toBe(limits.eventsPerMinuteMax);
  expect(of('command_signature_ok')).toEqual(Array.from({ length: 100 }, (_, at) => at));
  expect(told[limits.eventsPerMinuteMax]?.payload.events_not_told).toBe(200 - limits.eventsPerMinuteMax);
});
