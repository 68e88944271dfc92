/** Why an agent could not start. Codes are stable; messages may change. */
export type AgentErrorCode =
  /** The data directory cannot be made, written or read. */
  | 'data_dir_unusable'
  /** Another agent works on the data directory. */
  | 'data_dir_locked'
  /** The database was written by a newer agent. */
  | 'database_too_new'
  /** What says how the broker is reached cannot be read, contradicts itself, or would give a secret away. */
  | 'connection_unusable'
  /** The configuration file is broken, cannot be read, or is not to be relied upon. */
  | 'config_unusable'
  /** The directory given with `--jobs` cannot be read. */
  | 'jobs_dir_unusable'
  /** The local socket cannot be served. */
  | 'socket_unavailable';

/** Exit code of the program for each of them; 1 is everything unforeseen, 2 a call that makes no sense. */
export const exitCodes: Readonly<Record<AgentErrorCode, number>> = {
  socket_unavailable: 3,
  data_dir_locked: 4,
  data_dir_unusable: 5,
  jobs_dir_unusable: 6,
  database_too_new: 7,
  connection_unusable: 8,
  config_unusable: 9,
};

/** "The agent could not start", with what to do about it in the message. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
