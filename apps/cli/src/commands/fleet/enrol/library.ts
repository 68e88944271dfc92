/** What the commands of enrolment need; loaded on demand, because it brings NATS, keys and what signs them. */
export {
  createEnrolToken,
  credentialsOf,
  endCredentials,
  issuerCreds,
  listEnrolTokens,
  openAuthority,
  otherMode,
  readAuthority,
  readSigning,
  revokeEnrolToken,
  serveEnrolment,
  signedServerConfig,
} from '@kanade/fleet/enrol';
