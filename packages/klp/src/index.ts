export type { OnTrace, TraceEntry } from './channel/channel.ts';
export type { EndReason } from './channel/machine.ts';
export { encodeFrame, type SendOutcome } from './channel/outgoing.ts';
export {
  type Call,
  type Client,
  type ClientEvent,
  type ClientOptions,
  connectClient,
  type HandshakeOf,
} from './client/client.ts';
export type { CallOptions, LinkEvent } from './client/link.ts';
export type { ClientState } from './client/machine.ts';
export type { SubscribeOptions, Subscription } from './client/subscriptions.ts';
export {
  type CallParams,
  type CallResult,
  type Contract,
  defineContract,
  type ErrorRow,
  type ErrorTable,
  type HandlerParams,
  type HandlerResult,
  type HandshakeName,
  type MethodName,
  type MethodTable,
  type ProtocolErrorKind,
  type Push,
  type PushName,
  type PushParams,
  type PushReceived,
  type PushTable,
  type SchemaInput,
  type SchemaIssue,
  type SchemaOutput,
  type SchemaResult,
  type StandardSchemaV1,
} from './contract.ts';
export {
  type ChannelLimits,
  type ClientLimits,
  clientLimits,
  type ServerLimits,
  serverLimits,
  type UserLimits,
  userLimits,
} from './limits.ts';
export { createUserRates, serveConnection } from './server/server.ts';
export type {
  Connection,
  Handler,
  Handlers,
  RateLimit,
  RequestContext,
  SendPush,
  ServeOptions,
  ServerEvent,
  SessionScope,
  UserRates,
} from './server/serving.ts';
export { KlpError, type LimitPassed, limitError } from './wire/error.ts';
export {
  createFrameDecoder,
  defaultBodyBytesMax,
  type Frame,
  type FrameDecoder,
  frameHeaderBytes,
} from './wire/frame.ts';
export {
  cancelMethod,
  decodeMessage,
  droppedMethod,
  encodeError,
  encodePush,
  encodeRequest,
  encodeResult,
  type Message,
  type ResponseOutcome,
} from './wire/message.ts';
