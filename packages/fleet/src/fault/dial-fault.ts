import { AuthorizationError, TimeoutError, UserAuthenticationExpiredError } from '@nats-io/transport-node';
import { FleetError, type FleetErrorCode } from './fleet-error.ts';

type Diagnosis = readonly [code: FleetErrorCode, what: string];

const untrusted: Diagnosis = [
  'tls_untrusted',
  'its certificate was signed by nobody we trust; name the authority (tls.ca, KANADE_NATS_CA)',
];
const wantsOurs: Diagnosis = [
  'tls_client_refused',
  'it wants another client certificate, or one at all (tls.cert and tls.key, KANADE_NATS_CERT and KANADE_NATS_KEY)',
];

/** What the codes of Node, Bun and OpenSSL mean to a person. */
const byCode: Readonly<Record<string, Diagnosis>> = {
  ECONNREFUSED: ['broker_unreachable', 'nothing listens there; check the address and that a nats-server runs'],
  ECONNRESET: ['broker_unreachable', 'it hung up'],
  ENOTFOUND: ['broker_unreachable', 'no such host name'],
  EAI_AGAIN: ['broker_unreachable', 'the host name cannot be looked up now'],
  EHOSTUNREACH: ['broker_unreachable', 'there is no way to that host'],
  ENETUNREACH: ['broker_unreachable', 'there is no way to that network'],
  ETIMEDOUT: ['broker_unreachable', 'that host does not answer'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  CERT_HAS_EXPIRED: ['tls_expired', 'its certificate has expired'],
  CERT_NOT_YET_VALID: ['tls_expired', 'its certificate is not valid yet; check the clocks'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['tls_wrong_name', 'its certificate is for another name'],
};

/** The broker asks for a client certificate, and nobody has one: it then says nothing at all. */
export const certificateFault = (server: string): FleetError =>
  new FleetError(wantsOurs[0], `connecting to ${server} failed: ${wantsOurs[1]}`);

/** What kept a connection from coming about, as an error that says what to do. `server` is where, without credentials. */
export function dialFault(error: unknown, server: string): FleetError {
  if (error instanceof FleetError) return error;
  const [code, what] = diagnose(error);
  return new FleetError(code, `connecting to ${server} failed: ${what}`, { cause: error });
}

function diagnose(error: unknown): Diagnosis {
  if (error instanceof UserAuthenticationExpiredError) return ['broker_refused', 'our credentials have expired'];
  if (error instanceof AuthorizationError) {
    return [
      'broker_refused',
      'the broker wants other credentials, or some at all; check the token, the user or the key',
    ];
  }
  if (error instanceof TimeoutError) {
    return ['broker_unreachable', 'no answer in time; is that a nats-server, and does it run?'];
  }
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    const known = byCode[code];
    if (known) return known;
    if (/CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|CERTIFICATE_UNKNOWN/i.test(code))
      return wantsOurs;
    const said = diagnoseText(cause.message);
    if (said) return said;
  }
  return ['broker_unreachable', `${error instanceof Error ? error.message : 'it hung up'}; is that a nats-server?`];
}

/** What the client library tells in words alone. */
function diagnoseText(message: string): Diagnosis | undefined {
  if (message.includes('unexpected response from server')) return ['not_nats', 'what listens there is no nats-server'];
  if (message.includes("does not support 'tls'")) {
    return ['tls_absent', 'TLS is wanted and that server offers none: nothing was sent to it'];
  }
  if (/bad certificate|certificate required|unknown ca/i.test(message)) return wantsOurs;
  return undefined;
}
