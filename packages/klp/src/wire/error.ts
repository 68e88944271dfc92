/** The error kinds of the protocol: the number and the message each one has on the wire. Peers switch on the kind, never on the number. */
export const errorTable = {
  ParseError: { code: -32700, message: 'Parse error' },
  InvalidRequest: { code: -32600, message: 'Invalid Request' },
  MethodNotFound: { code: -32601, message: 'Method not found' },
  InvalidParams: { code: -32602, message: 'Invalid params' },
  InternalError: { code: -32603, message: 'Internal error' },
  Unauthorized: { code: -32000, message: 'Unauthorized' },
  NotFound: { code: -32001, message: 'Not found' },
  AgentDisconnected: { code: -32002, message: 'Agent disconnected from broker' },
  RateLimit: { code: -32003, message: 'Rate limit exceeded' },
  StaleProtocol: { code: -32004, message: 'Stale protocol version' },
  PayloadTooLarge: { code: -32005, message: 'Payload too large' },
  DeadlineExceeded: { code: -32006, message: 'Deadline exceeded' },
  Cancelled: { code: -32007, message: 'Cancelled' },
  Unknown: { code: -32099, message: 'Unknown error kind (newer peer)' },
} as const satisfies Record<string, { code: number; message: string }>;

export type KlpErrorKind = keyof typeof errorTable;

/** Which limit was passed: its name as in the limits tables, the value in force, and what was seen. */
export interface LimitPassed {
  limit: string;
  maximum: number;
  actual: number;
}

/** An error of the protocol. Thrown by a handler it is sent as it is; a call rejects with it on the other side. */
export class KlpError extends Error {
  override readonly name = 'KlpError';
  readonly kind: KlpErrorKind;
  /** What the other side reads beside the kind; never put internals in it. */
  readonly detail: string | undefined;
  readonly limit: LimitPassed | undefined;

  constructor(kind: KlpErrorKind, detail?: string, options: { cause?: unknown; limit?: LimitPassed } = {}) {
    const { message } = errorTable[kind];
    super(
      detail === undefined ? message : `${message}: ${detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.kind = kind;
    this.detail = detail;
    this.limit = options.limit;
  }
}

/** Builds the error of a passed limit; the limit also travels as `data.limit`. */
export function limitError(kind: KlpErrorKind, passed: LimitPassed): KlpError {
  return new KlpError(kind, `${passed.limit}: ${passed.actual}, maximum ${passed.maximum}`, { limit: passed });
}
