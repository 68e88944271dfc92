export interface SocketLimits {
  /** Connections of one listener, refused ones included until they are gone. */
  connectionsMax: number;
  /** Connections of one OS user. */
  connectionsPerUserMax: number;
  /** How long a refused peer may take to read its refusal. */
  refusalLingerMs: number;
  /** How long dialling may take; also how long an existing socket may take to answer whether its server lives. */
  dialTimeoutMs: number;
}

export const socketLimits: Readonly<SocketLimits> = {
  connectionsMax: 256,
  connectionsPerUserMax: 64,
  refusalLingerMs: 1_000,
  dialTimeoutMs: 5_000,
};
