import * as z from 'zod';

/** The errors of the protocol: the kind on which peers switch, its number and its message on the wire. */
export const localErrors = {
  ParseError: { code: -32700, message: 'Parse error', when: 'not JSON' },
  InvalidRequest: { code: -32600, message: 'Invalid Request', when: 'bad envelope, or a method before the handshake' },
  MethodNotFound: { code: -32601, message: 'Method not found', when: 'unknown, or not built into this agent' },
  InvalidParams: { code: -32602, message: 'Invalid params', when: 'wrong shape or charset' },
  InternalError: { code: -32603, message: 'Internal error', when: 'broker failures and everything unexpected' },
  Unauthorized: { code: -32000, message: 'Unauthorized', when: 'not offered, revoked, not yours, wrong support code' },
  NotFound: { code: -32001, message: 'Not found', when: 'unknown job, subscription or notification' },
  AgentDisconnected: { code: -32002, message: 'Agent disconnected from broker', when: 'needs the broker' },
  RateLimit: { code: -32003, message: 'Rate limit exceeded', when: 'asked too often' },
  StaleProtocol: { code: -32004, message: 'Stale protocol version', when: 'no common protocol' },
  PayloadTooLarge: { code: -32005, message: 'Payload too large', when: 'a frame over the cap' },
  DeadlineExceeded: { code: -32006, message: 'Deadline exceeded', when: 'the agent gave the request up' },
  Cancelled: { code: -32007, message: 'Cancelled', when: 'the caller gave the request up' },
  Unknown: { code: -32099, message: 'Unknown error kind (newer peer)', when: 'the peer is newer than this table' },
} as const satisfies Record<string, { code: number; message: string; when: string }>;

/** What `data.kind` of an error says; one that this version does not know reads as `Unknown`. */
export const LocalErrorKind = z
  .string()
  .transform((text): keyof typeof localErrors => (isErrorKind(text) ? text : 'Unknown'))
  .meta({ enum: Object.keys(localErrors) });
export type LocalErrorKind = z.infer<typeof LocalErrorKind>;

/** The kind that a number stands for; `Unknown` for a number that is not in the table. */
export function errorKindOf(code: number): LocalErrorKind {
  for (const [kind, known] of Object.entries(localErrors)) if (known.code === code) return kind as LocalErrorKind;
  return 'Unknown';
}

const isErrorKind = (text: string): text is keyof typeof localErrors => Object.hasOwn(localErrors, text);
