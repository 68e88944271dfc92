/** What a result refers to, on its way into the object stores: before the result itself, so whoever reads that finds it there. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isMissingStream } from '@kanade/fleet/connection';
import { objectInfo, putObject } from '@kanade/fleet/objects';
import { OutboxError, type QueuedRecord } from '@kanade/outbox';
import type { Jobs } from '@kanade/runner';
import { ExecResult, objectStores, outputKey, resultInlineBytesMax } from '@kanade/shared/fleet';
import { JetStreamApiError } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { withNotes } from '../report/end-of.ts';
import { isEventId } from '../report/events.ts';
import { outputOf, type ReadBytes } from '../report/output-source.ts';
import { fitsMessage, shortened } from '../report/report.ts';
import { uploadsOf } from '../report/uploads.ts';
import type { Upload } from '../run/model.ts';

/** What became of a file that was to be stored; `no_store`: the broker has none, and may never have one. */
export type StoredFile = 'stored' | 'not_now' | 'no_store';

interface Uploading {
  readonly jobs: Pick<Jobs, 'at' | 'readBytes'>;
  readonly log: Logger;
  /** Fires when the attempt is over. */
  readonly signal: AbortSignal;
}

type Bytes = () => AsyncIterable<Uint8Array>;

/** True when the broker has no room: the stream is full and keeps what is old, or the disk is. */
export const isFull = (error: unknown): boolean =>
  error instanceof JetStreamApiError && [10023, 10047, 10077].includes(error.code);

/**
 * The body of a result as it is published, once the objects that it names are in their stores; what cannot be brought there any more is
 * said in its place. Rejects with OutboxError `not_now` when a store is full, and with what else the broker said.
 */
export async function withObjects(
  connection: NatsConnection,
  record: QueuedRecord,
  given: Uploading,
): Promise<Uint8Array> {
  const missing: Missing[] = [];
  for (const upload of uploadsOf(record)) {
    const made = madeOf(upload, given, notesOn(missing));
    const outcome = await bring(connection, upload, { ...made, signal: given.signal }).catch(
      (error: unknown): Brought => {
        // A result waits for its output, not for files: what failed of those is said.
        if (isNotNow(error) && upload.source.kind === 'file') return 'full';
        throw error;
      },
    );
    if (outcome === 'stored') continue;
    given.log.warn(
      { id: record.id, key: upload.key, outcome },
      'what a result names cannot be stored; the result says so',
    );
    missing.push({ upload, text: await insteadOf(upload, made.bytes, outcome) });
  }
  if (missing.length === 0) return record.body;
  return isEventId(record.id) ? amendedEvent(record.body, missing) : amended(record.body, missing);
}

/** What cannot be brought into its store, and what stands in the result for it. */
interface Missing {
  readonly upload: Upload;
  readonly text: string;
}

/** Lines on stderr about files that are missing. */
const notesOn = (missing: readonly Missing[]): string[] =>
  missing.filter(({ upload }) => upload.source.kind === 'file').map(({ text }) => text);

/** The bytes of an object, and whether there are none any more. */
function madeOf({ source }: Upload, { jobs }: Uploading, notes: readonly string[]): { bytes: Bytes; isGone: boolean } {
  if (source.kind === 'file') {
    return { bytes: () => createReadStream(source.path), isGone: !existsSync(source.path) };
  }
  const { jobId, stream, bytes } = source;
  const job = jobs.at(jobId);
  const read: ReadBytes = (from, bytesMax) => jobs.readBytes(job, stream, { from, bytesMax });
  const told = stream === 'stderr' ? [...source.notes, ...notes] : source.notes;
  return { bytes: () => outputOf({ read, bytes, notes: told }), isGone: isEmpty(read) };
}

function isEmpty(read: ReadBytes): boolean {
  try {
    return read(0, 0).totalBytes === 0;
  } catch {
    return false; // why it cannot be read is said in its place
  }
}

const isNotNow = (error: unknown): boolean => error instanceof OutboxError && error.code === 'not_now';

/** Removes the files of a result that was delivered. */
export async function dropFiles(record: QueuedRecord): Promise<void> {
  for (const { source } of uploadsOf(record)) if (source.kind === 'file') await rm(source.path, { force: true });
}

/** Brings a file into its store now. `not_now`: whoever delivers the result tries again. Never rejects. */
export async function storeFile(
  connection: NatsConnection | undefined,
  { store, key: name, path }: Pick<Upload, 'store' | 'key'> & { readonly path: string },
  { log, signal }: Pick<Uploading, 'log' | 'signal'>,
): Promise<StoredFile> {
  if (!connection) return 'not_now';
  try {
    await putObject(connection, { store, name, signal, source: createReadStream(path) });
    return 'stored';
  } catch (error) {
    log.debug({ err: error, key: name }, 'a file could not be stored yet; its result waits for it');
    return isMissingStream(error) ? 'no_store' : 'not_now';
  }
}

type Brought = 'stored' | 'gone' | 'no_store' | 'full';

async function bring(
  connection: NatsConnection,
  { store, key: name }: Pick<Upload, 'store' | 'key'>,
  { bytes, isGone, signal }: { bytes: Bytes; isGone: boolean; signal: AbortSignal },
): Promise<Brought> {
  const place = { store, name, signal };
  try {
    // By its key it is of this result and no other; a result that is sent again finds it here.
    const look = await objectInfo(connection, place).catch((error: unknown) => {
      if (isGone) throw error;
      signal.throwIfAborted();
      return undefined; // the put finds out what is wrong
    });
    if (look?.ok && (isGone || look.object.sha256 === (await sha256Of(bytes())))) return 'stored';
    if (isGone) return 'gone';
    await putObject(connection, { ...place, source: bytes() });
    return 'stored';
  } catch (error) {
    // No reason to hold up results that need none of it, and nothing against this one.
    if (isFull(error)) throw new OutboxError('not_now', `the store ${store} is full`, { cause: error });
    if (isMissingStream(error)) return 'no_store';
    throw error;
  }
}

async function sha256Of(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of bytes) hash.update(piece);
  return hash.digest('hex');
}

/** What a result says where an object of it cannot be. */
async function insteadOf({ store, key, source }: Upload, bytes: Bytes, outcome: Brought): Promise<string> {
  const noStore = `the broker has no object store ${store}`;
  const isFullNow = `the object store ${store} is full`;
  if (source.kind === 'file') {
    const why = outcome === 'gone' ? 'its file is gone' : outcome === 'full' ? isFullNow : noStore;
    return `[kanade] ${key} left out: ${why}`;
  }
  if (outcome === 'no_store') return withNotes(shortened(await headOf(bytes()), noStore), source.notes);
  const gone = `[kanade] output left out: ${source.bytes} bytes were written, and the machine has them no more`;
  return withNotes('', [gone, ...source.notes]);
}

/** As much of the beginning as a message carries in any case, or a little more. */
async function headOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let have = 0;
  for await (const piece of bytes) {
    parts.push(piece);
    have += piece.byteLength;
    if (have >= resultInlineBytesMax / 4) break;
  }
  return Buffer.concat(parts).toString('utf8');
}

function amended(body: Uint8Array, missing: readonly Missing[]): Uint8Array {
  const result = resultIn(body);
  for (const { upload, text } of missing) {
    const { key, source } = upload;
    if (source.kind === 'output') {
      result[source.stream] = text;
      delete result[`${source.stream}_object`];
    } else if (result.collect_object === key) delete result.collect_object;
  }
  // Else they stand at its end already.
  if (result.stderr_object === undefined) result.stderr = withNotes(result.stderr, notesOn(missing));
  return Buffer.from(JSON.stringify(result));
}

/** An event that names objects says which of them are not there. */
function amendedEvent(body: Uint8Array, missing: readonly Missing[]): Uint8Array {
  const event = JSON.parse(Buffer.from(body).toString('utf8')) as { payload: object };
  const left_out = missing.map(({ text }) => text);
  return Buffer.from(JSON.stringify({ ...event, payload: { ...event.payload, left_out } }));
}

const resultIn = (body: Uint8Array): ExecResult => ExecResult.parse(JSON.parse(Buffer.from(body).toString('utf8')));

/** The body of a result that an older agent left, which holds all of the output: what is too long for a message goes into the store. */
export async function withoutLongTexts(
  connection: NatsConnection,
  { body }: QueuedRecord,
  { log, signal }: Uploading,
): Promise<Uint8Array> {
  const result = resultIn(body);
  let isChanged = false;
  for (const stream of ['stdout', 'stderr'] as const) {
    const text = result[stream];
    if (fitsMessage(text)) continue;
    isChanged = true;
    const key = outputKey(result.result_id, stream);
    const bytes: Bytes = async function* () {
      yield Buffer.from(text);
    };
    const upload = { store: objectStores.resultOutput, key };
    const outcome = await bring(connection, upload, { bytes, isGone: false, signal });
    if (outcome === 'stored') {
      result[stream] = '';
      result[`${stream}_object`] = key;
      continue;
    }
    log.warn({ request_id: result.request_id, stream }, 'the broker has no store for long output; the result is cut');
    result[stream] = shortened(text, `the broker has no object store ${objectStores.resultOutput}`);
  }
  return isChanged ? Buffer.from(JSON.stringify(result)) : body;
}
