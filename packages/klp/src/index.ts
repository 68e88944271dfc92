export type { EndReason } from './peer/channel.ts';
export {
  type Call,
  type Client,
  type ClientEvent,
  type ClientState,
  type ConnectOptions,
  connectClient,
  type SubscribeOptions,
} from './peer/client.ts';
export {
  type CallParams,
  type CallResult,
  type Contract,
  defineContract,
  type HandlerParams,
  type HandlerResult,
  type MethodName,
  type MethodTable,
  type Push,
  type PushName,
  type PushParams,
  type PushReceived,
  type PushTable,
} from './peer/contract.ts';
export {
  type ChannelLimits,
  type ClientLimits,
  clientLimits,
  type ServerLimits,
  serverLimits,
  type UserLimits,
  userLimits,
} from './peer/limits.ts';
export type { CallOptions, LinkEvent } from './peer/link.ts';
export type { SendOutcome } from './peer/outgoing.ts';
export type { RateLimit } from './peer/rate-limit.ts';
export { type Connection, serveConnection } from './peer/server.ts';
export type {
  Handler,
  Handlers,
  RequestContext,
  SendPush,
  ServeOptions,
  ServerEvent,
  SessionScope,
} from './peer/serving.ts';
export type { SchemaInput, SchemaIssue, SchemaOutput, SchemaResult, StandardSchemaV1 } from './peer/standard-schema.ts';
export type { Subscription } from './peer/subscriptions.ts';
export type { OnTrace, TraceEntry } from './peer/trace.ts';
export { createUserRates, type UserRates } from './peer/user-rates.ts';
export { errorTable, KlpError, type KlpErrorKind, type LimitPassed, limitError } from './wire/error.ts';
export {
  createFrameDecoder,
  defaultBodyBytesMax,
  encodeFrame,
  type Frame,
  type FrameDecoder,
  frameHeaderBytes,
} from './wire/frame.ts';
export {
  decodeMessage,
  encodeError,
  encodePush,
  encodeRequest,
  encodeResult,
  type Message,
  type ResponseOutcome,
} from './wire/message.ts';
export { cancelMethod, droppedMethod } from './wire/reserved.ts';
