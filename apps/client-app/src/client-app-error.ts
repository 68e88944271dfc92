/**
 * Why the Client App could not start.
 * `usage`: the arguments make no sense. `port_taken`: another program listens on `--port`. `listen_failed`: the
 * system refuses the port. `page_missing`: this build carries no page. `runs_already`: this person's Client App runs, on another port than the
 * one that was asked for. `autostart_unsupported`: this system has no autostart that we know. `autostart_foreign`: somebody else's file is where
 * ours would be. `autostart_failed`: the file could not be read, written or removed.
 */
export type ClientAppErrorCode =
  | 'usage'
  | 'port_taken'
  | 'listen_failed'
  | 'page_missing'
  | 'runs_already'
  | 'autostart_unsupported'
  | 'autostart_foreign'
  | 'autostart_failed';

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
  runs_already: 1,
  autostart_unsupported: 1,
  autostart_foreign: 1,
  autostart_failed: 1,
};
