/** Enrolment: tokens with which machines ask for credentials of their own, who signs them, and how they end. */
export {
  accountOf,
  askEnrolment,
  type Enrolled,
  type EnrolmentQuestion,
  machineIn,
  newMachineSeed,
} from './enrol/ask-enrolment.ts';
export {
  type BrokerAuthority,
  issuerCreds,
  openAuthority,
  readAuthority,
  readSigning,
  type Signing,
  signedServerConfig,
} from './enrol/authority.ts';
export { credentialsOf, endCredentials } from './enrol/end-credentials.ts';
export type { Issued } from './enrol/issue.ts';
export { type EnrolmentOptions, serveEnrolment } from './enrol/serve-enrolment.ts';
export { parseToken } from './enrol/token.ts';
export {
  createEnrolToken,
  type ListedEnrolToken,
  listEnrolTokens,
  type NewEnrolToken,
  otherMode,
  revokeEnrolToken,
} from './enrol/tokens.ts';
