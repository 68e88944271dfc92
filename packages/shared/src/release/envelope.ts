/*
 * A signed release: an envelope of DSSE (Dead Simple Signing Envelope, v1.0.2) around the bytes of the manifest, so that what is
 * verified is what is read.
 *
 *   { "payloadType": "application/vnd.kanade.release.v1+json",
 *     "payload": "<base64 of the manifest's bytes>",
 *     "signatures": [ { "keyid": "release-2026", "sig": "<base64, Ed25519 over the PAE>" } ] }
 */
import * as z from 'zod';
import { readAs } from '../scalar/strict.ts';
import { bytesOfBase64 } from '../signing/signature.ts';
import { ReleaseManifest } from './manifest.ts';

export const releasePayloadType = 'application/vnd.kanade.release.v1+json';
/** Bytes of a signed release. */
export const signedReleaseBytesMax = 1024 * 1024;
const signaturesMax = 16;

const SignedReleaseEnvelope = z.looseObject({
  payloadType: z.literal(releasePayloadType),
  payload: z.string(),
  signatures: z.array(z.looseObject({ keyid: z.string(), sig: z.string() })).max(signaturesMax),
});

/** An envelope that is whole; its signatures are not verified yet. */
export interface SignedRelease {
  readonly payload: Uint8Array;
  readonly signatures: readonly { readonly keyid: string; readonly sig: Uint8Array }[];
}

type Outcome<K extends string, T> =
  | ({ readonly ok: true } & { readonly [name in K]: T })
  | { readonly ok: false; readonly reason: string };

/** Reads an envelope. Signatures that are no base64 are left out, as those of keys that nobody knows are. */
export function readSignedRelease(text: string): Outcome<'signed', SignedRelease> {
  const read = parse(SignedReleaseEnvelope, text);
  if (!read.ok) return read;
  const payload = bytesOfBase64(read.value.payload);
  if (payload === undefined) return { ok: false, reason: 'payload is not base64' };
  const signatures = read.value.signatures.flatMap(({ keyid, sig }) => {
    const bytes = bytesOfBase64(sig);
    return bytes === undefined ? [] : [{ keyid, sig: bytes }];
  });
  return { ok: true, signed: { payload, signatures } };
}

/** Reads the payload of an envelope, whose signatures are verified first. */
export function readReleaseManifest(payload: Uint8Array): Outcome<'manifest', ReleaseManifest> {
  const read = parse(ReleaseManifest, new TextDecoder().decode(payload));
  return read.ok ? { ok: true, manifest: read.value } : read;
}

/** The bytes that are signed: DSSE's pre-authentication encoding of type and payload. */
export function releaseSignedMaterial(payload: Uint8Array): Uint8Array {
  const type = new TextEncoder().encode(releasePayloadType);
  const head = new TextEncoder().encode(`DSSEv1 ${type.length} ${releasePayloadType} ${payload.length} `);
  const material = new Uint8Array(head.length + payload.length);
  material.set(head);
  material.set(payload, head.length);
  return material;
}

/** First fault of a document in words. */
function parse<S extends z.ZodType>(schema: S, text: string): Outcome<'value', z.output<S>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, reason: text.trim() === '' ? 'it is empty' : 'it is not JSON' };
  }
  const read = readAs(schema, value);
  if (read.ok) return { ok: true, value: read.value };
  const [first] = read.faults;
  return { ok: false, reason: `${first?.path} ${first?.message}`.trim() };
}
