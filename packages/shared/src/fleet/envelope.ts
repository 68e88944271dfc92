import * as z from 'zod';
import { Instant } from '../scalar/time.ts';
import { shown } from '../scalar/wording.ts';
import { Command, readCommand } from './command.ts';

export const envelopeKind = 'kanade.command.v2';

/**
 * An order addressed to one machine, with a deadline for starting. The one strict object on the wire: unknown fields of
 * the envelope itself are refused (fleet reference, section 3.3); the command inside stays tolerant.
 */
export const CommandEnvelope = z.strictObject({
  kind: z.literal(envelopeKind),
  target_pc_id: z.string().min(1),
  expires_at: Instant,
  command: Command,
});
export type CommandEnvelope = z.infer<typeof CommandEnvelope>;

/** What a body is: it has a `kind` key or it has none; a `kind` we do not know never makes it a legacy command. */
export type Body =
  | { readonly form: 'legacy'; readonly value: unknown }
  | { readonly form: 'envelope'; readonly value: Record<string, unknown> }
  | { readonly form: 'unreadable' };

/** Reads the bytes of an order as JSON and tells its form. */
export function readBody(bytes: Uint8Array): Body {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return { form: 'unreadable' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, 'kind')) {
    return { form: 'legacy', value };
  }
  return { form: 'envelope', value: value as Record<string, unknown> };
}

export type EnvelopeRead =
  | { readonly ok: true; readonly envelope: CommandEnvelope }
  | { readonly ok: false; readonly error: 'EnvelopeRejected' | 'Misaddressed'; readonly reason: string };

/**
 * Reads an envelope for one machine, in the order of the reference: kind, unknown fields, recipient present, recipient
 * equals `pcId` byte for byte, expiry present and parsable, command decodes.
 */
export function readEnvelope(
  value: Record<string, unknown>,
  { pcId, readCommand: decode = readCommand }: { readonly pcId: string; readonly readCommand?: typeof readCommand },
): EnvelopeRead {
  const { kind, target_pc_id: target, expires_at: expires, command, ...unknown } = value;
  if (kind !== envelopeKind) return rejected(`kind is not ${envelopeKind}: ${shown(kind)}`);
  const names = Object.keys(unknown);
  if (names.length > 0) return rejected(`unknown fields: ${names.join(', ').slice(0, 200)}`);
  if (typeof target !== 'string' || target === '') return rejected('target_pc_id is missing');
  if (target !== pcId) return { ok: false, error: 'Misaddressed', reason: `for ${shown(target)}, not for ${pcId}` };
  const expiry = Instant.safeParse(expires);
  if (!expiry.success) return rejected(`expires_at is not an RFC 3339 time: ${shown(expires)}`);
  const read = decode(command);
  if (!read.ok) {
    const [first] = read.faults;
    return rejected(`the command does not decode: ${first?.path} ${first?.message}`);
  }
  return {
    ok: true,
    envelope: { kind: envelopeKind, target_pc_id: target, expires_at: expiry.data, command: read.value },
  };
}

function rejected(reason: string): EnvelopeRead {
  return { ok: false, error: 'EnvelopeRejected', reason };
}
