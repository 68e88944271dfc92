/** Words on the local protocol (KLP): the method table and its payloads. */
export {
  Check,
  Handshake,
  HandshakeResult,
  isEnded,
  JobProgress,
  JobRun,
  RunStatus,
  StateSnapshot,
  UserInvokableJob,
} from './local/message.ts';
export { commonProtocol, handshakeMethod, localContract, protocolVersions } from './local/method.ts';
