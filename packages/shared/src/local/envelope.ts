/** JSON-RPC 2.0 as the local protocol uses it (fleet reference, section 6.3). Ids are strings; `null` only for anonymous errors. */
import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { LocalErrorKind } from './error-kind.ts';

const jsonrpc = z.literal('2.0');

/** `params` left out, null and `{}` mean the same for a method whose params all have defaults. */
export const LocalRequest = z.looseObject({
  jsonrpc,
  id: z.string(),
  method: z.string(),
  params: z.unknown().optional(),
});
export type LocalRequest = z.infer<typeof LocalRequest>;

/** Peers switch on `data.kind`, never on the number. */
export const LocalError = z.looseObject({
  code: z.int(),
  message: z.string(),
  data: optional(z.looseObject({ kind: LocalErrorKind, detail: z.string().nullish() })),
});
export type LocalError = z.infer<typeof LocalError>;

/** Either `result` (null for nothing) or `error`. */
export const LocalResponse = z.union([
  z.looseObject({ jsonrpc, id: z.string().nullable(), error: LocalError }),
  z.looseObject({ jsonrpc, id: z.string(), result: z.unknown() }),
]);
export type LocalResponse = z.infer<typeof LocalResponse>;

/** What the agent says by itself: no id, no answer. */
export const LocalPush = z.looseObject({ jsonrpc, method: z.string(), params: z.unknown().optional() });
export type LocalPush = z.infer<typeof LocalPush>;
