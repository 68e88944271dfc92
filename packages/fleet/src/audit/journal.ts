/** What streams tell of the past: what operators did, and what happened on machines. */
import { AuditRecord, createReader, ObsEvent, obsSubject, type Read, streams } from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { translate } from '../fault/translate.ts';
import { followStream } from '../stream/follow-stream.ts';
import { type Newest, readNewest } from '../stream/read-newest.ts';
import { isFrom, readValue } from '../stream/read-value.ts';

/** One kind of record in one stream. */
export interface Journal<T> {
  readonly stream: string;
  readonly filter?: string | undefined;
  read(value: unknown): Read<T>;
  /** `on`: what the record came with. */
  isWanted(record: T, on: { readonly subject: string }): boolean;
}

/** What operators did, kept for 90 days. */
export const auditJournal = (): Journal<AuditRecord> => ({
  stream: streams.audit,
  read: createReader(AuditRecord),
  isWanted: () => true,
});

/** What happened on machines, kept for 90 days; of one machine, of one kind. Throws FleetError `invalid_id`. */
export const eventJournal = ({
  pc,
  kind,
}: {
  pc?: string | undefined;
  kind?: string | undefined;
}): Journal<ObsEvent> => ({
  stream: streams.obsEvents,
  filter: pc === undefined ? undefined : obsSubject(checkId('a pc id', pc)),
  read: createReader(ObsEvent),
  isWanted: (event, on) => (kind === undefined || event.kind === kind) && isFrom(on, event.pc_id),
});

/** The newest records, the newest first; the newest 20,000 messages of the stream are looked through. Throws FleetError. */
export async function readJournal<T>(
  fleet: Fleet,
  journal: Journal<T>,
  { limit, signal }: { limit: number; signal?: AbortSignal | undefined },
): Promise<Newest<T>> {
  const { stream, filter } = journal;
  try {
    return await readNewest(fleet, { stream, filter, limit, signal, read: (message) => wanted(journal, message) });
  } catch (error) {
    throw translate(error, `reading ${stream}`, signal);
  }
}

/** Records behind a sequence of the stream, each as it comes, until the signal aborts: then it throws its reason. Throws FleetError. */
export async function* followJournal<T>(
  fleet: Fleet,
  journal: Journal<T>,
  { after, signal }: { after: number; signal?: AbortSignal | undefined },
): AsyncGenerator<T, void> {
  const { stream, filter } = journal;
  try {
    for await (const message of followStream(fleet, { stream, filter, from: after + 1, signal })) {
      const record = wanted(journal, message);
      if (record !== undefined) yield record;
    }
  } catch (error) {
    throw translate(error, `following ${stream}`, signal);
  }
}

function wanted<T>(
  { read, isWanted }: Journal<T>,
  message: { readonly subject: string; json(): unknown },
): T | undefined {
  const record = readValue(message, read);
  return record !== undefined && isWanted(record, message) ? record : undefined;
}
