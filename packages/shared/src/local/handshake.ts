import * as z from 'zod';
import { optional } from '../scalar/field.ts';

/** The first call of a connection. No `features` means none. */
export const Handshake = z.looseObject({
  client: z.string(),
  client_version: z.string(),
  protocol: z.array(z.int().nonnegative()).min(1),
  features: optional(z.array(z.string())),
});
export type Handshake = z.infer<typeof Handshake>;

/** `session_id` is for display only: no decision may rest on it. */
export const HandshakeResult = z.looseObject({
  protocol: z.int(),
  agent_version: z.string(),
  features: z.array(z.string()),
  session: z.looseObject({ user: z.string(), session_id: z.int(), pc_id: z.string() }),
  client_display_name: optional(z.string()),
});
export type HandshakeResult = z.infer<typeof HandshakeResult>;

/** `target_agent_version` equals `agent_version` when no update waits. */
export const VersionResult = z.looseObject({
  agent_version: z.string(),
  target_agent_version: z.string(),
  target_client_version: optional(z.string()),
});
export type VersionResult = z.infer<typeof VersionResult>;
