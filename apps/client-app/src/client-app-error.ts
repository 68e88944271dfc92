/**
 * Why the Client App could not start.
 * `usage`: the arguments make no sense. `port_taken`: another program listens on `--port`. `listen_failed`: the
 * system refuses the port. `page_missing`: this build carries no page.
 */
export type ClientAppErrorCode = 'usage' | 'port_taken' | 'listen_failed' | 'page_missing';

export class ClientAppError extends Error {
  override readonly name = 'ClientAppError';
  readonly code: ClientAppErrorCode;

  constructor(code: ClientAppErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Exit code of the program per error code. */
export const clientAppExitCodes: Record<ClientAppErrorCode, number> = {
  usage: 2,
  port_taken: 3,
  listen_failed: 1,
  page_missing: 1,
};
