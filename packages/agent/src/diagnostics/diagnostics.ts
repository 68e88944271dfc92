/**
 * Help for the person at the machine: what would be sent is made, shown to them, and sent as it was shown when they say so. Where the
 * broker is away it waits on this disk, behind the same outbox as results. One preview a user; a newer one takes its place.
 */
import { createHash } from 'node:crypto';
import { open, readdir, rm } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';
import { KlpError, type LimitPassed } from '@kanade/klp';
import type { Outbox } from '@kanade/outbox';
import { collectionKey, diagnosticsJobId, objectStores } from '@kanade/shared/fleet';
import type { DiagnosticsPreview, DiagnosticsResult, LocalErrorKind } from '@kanade/shared/local';
import { createZip } from '../after/zip.ts';
import type { FleetLink } from '../fleet/link.ts';
import { limits } from '../limits.ts';
import type { LocalHandlers } from '../local/session.ts';
import { eventRecord } from '../report/events.ts';
import { withUploads } from '../report/uploads.ts';
import { type Asker, type DiagnosticsFile, type GatherOptions, gatherFiles, type Plea } from './gather.ts';
import { documentWithoutSecrets } from './without-secrets.ts';

export interface DiagnosticsOptions extends GatherOptions {
  readonly outbox: Outbox;
  /** Where archives wait until they are in their store. */
  readonly collectedDir: string;
  readonly store: FleetLink['store'];
  /** Fires when the agent ends. */
  readonly signal: AbortSignal;
}

export interface Diagnostics {
  /** Throws KlpError `InvalidParams` for what is too long. */
  preview(asker: Asker, message: Partial<Plea>): Promise<DiagnosticsPreview>;
  /** What that user was shown can be sent no more. */
  forget(userKey: string): void;
  /** Sends what that user was shown; the same again is the same answer. Throws KlpError, each with what to do. */
  upload(asker: Asker, asked: Partial<Plea> & { readonly preview?: string | undefined }): Promise<DiagnosticsResult>;
}

interface Held {
  readonly preview: string;
  readonly message: Plea;
  readonly files: readonly DiagnosticsFile[];
  readonly untilMs: number;
  readonly forgetting: NodeJS.Timeout;
  sending?: Promise<DiagnosticsResult>;
}

const nowMs = (): number => uptime() * 1000;

export function createDiagnostics(options: DiagnosticsOptions): Diagnostics {
  const held = new Map<string, Held>();
  const uploads = createAllowance();

  function forget(userKey: string): void {
    clearTimeout(held.get(userKey)?.forgetting);
    held.delete(userKey);
  }

  return {
    forget,
    async preview(asker, asked) {
      const message = messageOf(asked);
      const files = await gatherFiles(options, asker, message);
      const preview = createHash('sha256')
        .update(JSON.stringify([asker.userKey, files]))
        .digest('hex');
      forget(asker.userKey);
      for (const oldest of held.keys()) if (held.size >= limits.diagnosticsPreviewsMax) forget(oldest);
      const keptMs = limits.diagnosticsKeptMs;
      const forgetting = setTimeout(() => forget(asker.userKey), keptMs).unref();
      held.set(asker.userKey, { preview, message, files, untilMs: nowMs() + keptMs, forgetting });
      const expires_at = new Date(Date.now() + keptMs).toISOString();
      return { preview, expires_at, files: [...files], size_bytes: bytesOf(files) };
    },
    upload: async (asker, { preview, ...said }) => {
      if (preview === undefined)
        throw refusal('InvalidParams', 'preview: nothing is sent that was not shown; ask support.preview_diagnostics');
      const shown = held.get(asker.userKey);
      if (shown?.preview !== preview || shown.untilMs <= nowMs())
        throw refusal('NotFound', 'what was shown is over: ask for it again and read it once more');
      for (const part of ['summary', 'detail', 'contact'] as const)
        if ((said[part] ?? shown.message[part]) !== shown.message[part])
          throw refusal('InvalidParams', `${part}: another one than was shown; ask for a new preview`);
      if (shown.sending) return shown.sending;
      if (options.broker().kind === 'none')
        throw refusal('AgentDisconnected', 'this machine has no broker: save what is shown, and hand it over yourself');
      uploads.take(asker.userKey);
      shown.sending = send(options, asker, shown);
      shown.sending.catch(() => {
        uploads.giveBack(asker.userKey);
        delete shown.sending;
      });
      return shown.sending;
    },
  };
}

const refusal = (kind: LocalErrorKind, text: string, data?: { limit: LimitPassed }): KlpError =>
  new KlpError(kind, text, data);

const bytesOf = (files: readonly DiagnosticsFile[]): number =>
  files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);

function messageOf(asked: Partial<Plea>): Plea {
  const part = (name: keyof Plea, maximum: number): string => {
    const text = asked[name] ?? '';
    const actual = [...text].length;
    if (actual <= maximum) return text;
    const limit = { limit: `characters of ${name}`, maximum, actual };
    throw refusal('InvalidParams', `${name}: ${actual} characters, at most ${maximum}`, { limit });
  };
  const { diagnosticsSummaryMax, diagnosticsDetailMax } = limits;
  return {
    summary: part('summary', diagnosticsSummaryMax),
    detail: part('detail', diagnosticsDetailMax),
    contact: part('contact', diagnosticsSummaryMax),
  };
}

/** So many uploads of a user in a while, by a clock that nobody sets. */
function createAllowance() {
  const taken = new Map<string, number[]>();
  return {
    take(userKey: string): void {
      const { diagnosticsUploadsMax: maximum, diagnosticsWindowMs: windowMs } = limits;
      const sinceMs = nowMs() - windowMs;
      for (const [user, times] of taken) if ((times.at(-1) ?? 0) <= sinceMs) taken.delete(user);
      const own = (taken.get(userKey) ?? []).filter((atMs) => atMs > sinceMs);
      if (own.length >= maximum) {
        const minutes = Math.ceil(((own[0] ?? 0) - sinceMs) / 60_000);
        const limit = { limit: 'diagnostics of a user in an hour', maximum, actual: own.length };
        throw refusal('RateLimit', `${maximum} were sent within an hour: send this one in ${minutes} min`, { limit });
      }
      taken.set(userKey, [...own, nowMs()]);
    },
    giveBack: (userKey: string): void => void taken.get(userKey)?.pop(),
  };
}

/** Into the store now, or on its way there: then its record in the outbox brings it along. */
async function send(options: DiagnosticsOptions, asker: Asker, shown: Held): Promise<DiagnosticsResult> {
  const { config, outbox, collectedDir, store, signal } = options;
  const stamp = `${new Date().toISOString().replaceAll(':', '-')}-${shown.preview.slice(0, 8)}`;
  const path = join(collectedDir, `${waitingPrefix}${stamp}.zip`);
  await assertRoom(collectedDir);
  try {
    const size_bytes = await writeArchive(path, shown.files, signal);
    const place = { store: objectStores.collections, key: collectionKey(config.pcId, diagnosticsJobId, stamp) };
    const outcome = await store(
      { ...place, path },
      AbortSignal.any([signal, AbortSignal.timeout(limits.diagnosticsSendMs)]),
    );
    if (outcome === 'no_store')
      throw refusal('AgentDisconnected', 'the broker keeps no archives: save what is shown, and hand it over yourself');
    const isStored = outcome === 'stored';
    const { summary, contact } = shown.message;
    const told = { user: asker.userKey, name: asker.user, object_key: place.key, size_bytes, summary, contact };
    const record = eventRecord(config.pcId, 'diagnostic', documentWithoutSecrets(told) as object);
    await outbox.enqueue({
      ...record,
      ...(isStored ? {} : withUploads([{ ...place, source: { kind: 'file', path } }])),
    });
    if (isStored) await rm(path, { force: true });
    return { object_key: place.key, size_bytes, ...(isStored ? {} : { queued: true }) };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

const waitingPrefix = 'diagnostics-';

async function assertRoom(dir: string): Promise<void> {
  const actual = (await readdir(dir)).filter((name) => name.startsWith(waitingPrefix)).length;
  const maximum = limits.diagnosticsWaitingMax;
  if (actual < maximum) return;
  const limit = { limit: 'diagnostics that wait for the broker', maximum, actual };
  throw refusal('RateLimit', `${actual} wait for the broker: save what is shown, and hand it over yourself`, { limit });
}

/** Returns its bytes, once they are on the disk. */
async function writeArchive(path: string, files: readonly DiagnosticsFile[], signal: AbortSignal): Promise<number> {
  const file = await open(path, 'wx', 0o600);
  try {
    const zip = createZip(file, signal);
    for (const { name, text } of files) {
      const bytes = Buffer.from(text);
      let at = 0;
      const read = async (into: Uint8Array): Promise<number> => {
        const count = bytes.copy(into, 0, at);
        at += count;
        return count;
      };
      await zip.add({ name, modifiedAt: new Date(), read });
    }
    await zip.end();
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** Diagnostics of the caller, as that user was shown them. */
export function diagnosticsHandlers(diagnostics: Diagnostics) {
  return {
    'support.preview_diagnostics': (params, { peer }) => diagnostics.preview(peer, given(params)),
    'support.upload_diagnostics': (params, { peer }) =>
      diagnostics.upload(peer, { ...given(params), preview: params?.preview ?? undefined }),
  } satisfies Partial<LocalHandlers>;
}

type Said = { readonly [Part in keyof Plea]?: string | null | undefined } | null | undefined;

/** Null is as good as absent. */
function given(params: Said): Partial<Plea> {
  const parts = (['summary', 'detail', 'contact'] as const).flatMap((name) => {
    const text = params?.[name];
    return typeof text === 'string' ? [[name, text] as const] : [];
  });
  return Object.fromEntries(parts);
}
