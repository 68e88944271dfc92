/** Which limit was passed: its name as in the limits tables, the value in force, and what was seen. */
export interface LimitPassed {
  limit: string;
  maximum: number;
  actual: number;
}

/**
 * An error of the protocol. Thrown by a handler it is sent as it is, with the number and words of the contract; a call rejects with it on the other side.
 * Two kinds are never sent: `Disconnected` (no connection, or it ended before the answer) and `Unknown` (a kind that this contract does not know).
 */
export class KlpError extends Error {
  override readonly name = 'KlpError';
  readonly kind: string;
  /** What the other side reads beside the kind; never put internals in it. */
  readonly detail: string | undefined;
  readonly limit: LimitPassed | undefined;

  constructor(kind: string, detail?: string, options: { cause?: unknown; limit?: LimitPassed } = {}) {
    super(
      detail === undefined ? kind : `${kind}: ${detail}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.kind = kind;
    this.detail = detail;
    this.limit = options.limit;
  }
}

/** Builds the error of a passed limit; the limit also travels as `data.limit`. */
export function limitError(kind: 'RateLimit' | 'PayloadTooLarge', passed: LimitPassed): KlpError {
  return new KlpError(kind, `${passed.limit}: ${passed.actual}, maximum ${passed.maximum}`, { limit: passed });
}
