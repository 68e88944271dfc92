/**
 * Results that the broker acknowledged and then lost. A server answers before what it was given has been synced to its disk,
 * so a delivered result stays in the outbox with a receipt until the server that took it has lived long enough to have synced
 * it. Whenever it may be another one, or another stream, they are sent again: the broker drops those that it has, by their id.
 */
import type { Outbox, RecordSummary } from '@kanade/outbox';
import { streams } from '@kanade/shared/fleet';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { z } from 'zod';
import { limits } from '../limits.ts';
import type { StreamLook } from './connect.ts';

/** What the broker said of a result, kept beside it. */
const Receipt = z.object({
  seq: z.number(),
  /** When it said so, ms since 1970. */
  at_ms: z.number(),
  /** Of the stream: when it was created, and which life of which server served it. */
  created: z.string(),
  identity: z.string(),
});
export type Receipt = z.infer<typeof Receipt>;

/** What is to become of a kept result. `ask`: it may be there, and be too old for the broker to know its id. */
export type KeptFate = 'keep' | 'forget' | 'send' | 'ask';

/** Pure: by what is known of the stream now. `isSuspect`: something else than the receipt says that it may have lost its end. */
export function fateOf(
  receipt: string | null,
  { stream, isSuspect, nowMs }: { stream: StreamLook; isSuspect: boolean; nowMs: number },
): KeptFate {
  const read = Receipt.safeParse(parseJson(receipt ?? ''));
  if (!read.success) return 'send';
  const { seq, at_ms, created, identity } = read.data;
  const ageMs = Math.abs(nowMs - at_ms);
  if (created !== stream.created || seq > stream.lastSeq) return 'send';
  if (identity === stream.identity && !isSuspect) return ageMs > limits.brokerSyncMs ? 'forget' : 'keep';
  return ageMs < stream.knownIdsMs - limits.knownIdsMarginMs ? 'send' : 'ask';
}

/**
 * Looks through what was delivered: forgets what is safe, and makes ready again what may be gone. Returns the ids of those.
 * Rejects when the broker or the outbox cannot be asked.
 */
export async function resendLost(
  outbox: Pick<Outbox, 'list' | 'replay' | 'drop'>,
  connection: NatsConnection,
  known: { readonly stream: StreamLook; readonly isSuspect: boolean },
): Promise<string[]> {
  const fates: Record<KeptFate, RecordSummary[]> = { keep: [], forget: [], send: [], ask: [] };
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page: RecordSummary[] = await outbox.list({ state: 'kept', after, limit: pageRecords });
    for (const record of page) fates[fateOf(record.receipt, { ...known, nowMs: Date.now() })].push(record);
    after = page.length < pageRecords ? undefined : page.at(-1)?.cursor;
  }
  for (const record of fates.ask) {
    fates[(await holdsAny(connection, record.subject)) ? 'forget' : 'send'].push(record);
  }
  const idsOf = (records: readonly RecordSummary[]): string[] => records.map(({ id }) => id);
  if (fates.forget.length > 0) await outbox.drop({ ids: idsOf(fates.forget) });
  if (fates.send.length > 0) await outbox.replay({ ids: idsOf(fates.send) });
  return idsOf(fates.send);
}

/** Records of one look into the outbox. */
const pageRecords = 500;

/** Whether RESULTS holds a message on this subject. It names the order, so one of another machine counts, too. */
async function holdsAny(connection: NatsConnection, subject: string): Promise<boolean> {
  const manager = await jetstreamManager(connection, { timeout: limits.requestTimeoutMs, checkAPI: false });
  const { state } = await manager.streams.info(streams.results, { subjects_filter: subject });
  return Object.keys(state.subjects ?? {}).length > 0;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what is no receipt says nothing: the result is sent again
  }
}
