import { defaultBodyBytesMax } from './wire/frame.ts';

/** Limits of one end of a connection. Every one may be overridden where the end is made. */
export interface ChannelLimits {
  /** Bytes of one body, either direction. */
  bodyBytesMax: number;
  /** Frames queued before the queue counts as full: droppable pushes are dropped, everything else waits, and nothing more is read. */
  queueFramesMax: number;
  /** Bytes queued before the queue counts as full. */
  queueBytesMax: number;
  /** Frames queued and waiting before the peer is cut off as one that does not read. */
  backlogFramesMax: number;
  /** Bytes queued and waiting before the peer is cut off as one that does not read. */
  backlogBytesMax: number;
  /** How long the peer may take none of what was written before it is cut off as one that does not read. */
  stallTimeoutMs: number;
  /** How long the peer may take to finish a frame that it began. */
  frameTimeoutMs: number;
  /** How long a connection that was ended here waits for the peer to close. */
  lingerMs: number;
}

export interface ServerLimits extends ChannelLimits {
  /** Requests of one connection that run at the same time. */
  requestsInFlightMax: number;
  /** Requests of one connection that wait for a place; one more is answered with `RateLimit`. */
  requestsWaitingMax: number;
  /** Requests of one connection per minute, as a token bucket of this size. Infinity switches it off. */
  requestsPerMinute: number;
  /** How long a request may run, waiting for a place included, before it is answered with `DeadlineExceeded`; `timeoutsMs` has exceptions per method. Infinity switches it off. */
  requestTimeoutMs: number;
  /** How long a connection may stay without a successful handshake. */
  handshakeTimeoutMs: number;
  /** How long a graceful close waits for running requests before it aborts them. */
  drainTimeoutMs: number;
}

/** Limits of all connections of one OS user together. */
export interface UserLimits {
  /** Requests of one user per minute, as a token bucket of this size. Infinity switches it off. */
  requestsPerUserPerMinute: number;
}

export interface ClientLimits extends ChannelLimits {
  /** Calls without an answer; one more is rejected with `RateLimit`. */
  callsPendingMax: number;
  /** How long a call waits for its answer, unless it says otherwise. */
  callTimeoutMs: number;
  /** How long dialling and the handshake may take together. */
  connectTimeoutMs: number;
  /** Pushes that one `pushes()` iterator holds for a slow consumer before it ends with `RateLimit`. */
  pushesQueuedMax: number;
  /** First and longest wait between attempts; each failure doubles it. */
  backoffFirstMs: number;
  backoffMaxMs: number;
  /** By how much of itself each wait is shortened at random, 0 to 1, so that the clients of one server do not come back together. */
  backoffJitter: number;
  /** A connection that lived this long earns an immediate reconnect; shorter ones only once in a row. */
  steadyMs: number;
}

const channelLimits: ChannelLimits = {
  bodyBytesMax: defaultBodyBytesMax,
  queueFramesMax: 64,
  queueBytesMax: 4_194_304,
  backlogFramesMax: 512,
  backlogBytesMax: 16_777_216,
  stallTimeoutMs: 30_000,
  frameTimeoutMs: 30_000,
  lingerMs: 1_000,
};

export const serverLimits: Readonly<ServerLimits> = {
  ...channelLimits,
  requestsInFlightMax: 16,
  requestsWaitingMax: 64,
  requestsPerMinute: 60,
  requestTimeoutMs: 30_000,
  handshakeTimeoutMs: 10_000,
  drainTimeoutMs: 5_000,
};

export const userLimits: Readonly<UserLimits> = { requestsPerUserPerMinute: 240 };

export const clientLimits: Readonly<ClientLimits> = {
  ...channelLimits,
  callsPendingMax: 256,
  callTimeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  pushesQueuedMax: 1_024,
  backoffFirstMs: 1_000,
  backoffMaxMs: 30_000,
  backoffJitter: 0.2,
  steadyMs: 1_000,
};

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
