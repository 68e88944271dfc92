import { JetStreamApiError } from '@nats-io/jetstream';
import {
  AuthorizationError,
  ClosedConnectionError,
  ConnectionError,
  PermissionViolationError,
  RequestError,
  TimeoutError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import { FleetError, type FleetErrorCode } from './fleet-error.ts';

/** Codes of the JetStream API (the server's errors.json). */
const apiCodes = {
  noSuitablePeers: 10005,
  clusterUnavailable: 10008,
  clusterLeaderless: 10009,
  insufficientResources: 10023,
  notEnabledForAccount: 10039,
  storageExceeded: 10047,
  memoryExceeded: 10028,
  streamNotFound: 10059,
  streamNameInUse: 10058,
  subjectsOverlap: 10065,
  updateInvalid: 10052,
  wrongLastSequence: 10071,
  jetStreamNotEnabled: 10076,
  replicasWithoutCluster: 10074,
} as const;

/**
 * What a failure of the client library or of the broker means here. `attempted` says what was tried (`creating stream
 * EXEC`). A FleetError and an abort's own reason come back as they are.
 */
export function translate(error: unknown, attempted: string, signal?: AbortSignal): unknown {
  if (error instanceof FleetError || (signal?.aborted && error === signal.reason)) return error;
  const [code, advice] = diagnose(error);
  const said = error instanceof Error ? error.message : String(error);
  return new FleetError(code, `${attempted} failed: ${said}${advice === '' ? '' : `; ${advice}`}`, { cause: error });
}

/** What a failure of the broker, or of the way to it, means in words; undefined for everything else. */
export function brokerFault(error: unknown): { code: FleetErrorCode; message: string } | undefined {
  if (error instanceof FleetError) return { code: error.code, message: error.message };
  const [code, advice] = diagnose(error);
  if (code === 'broker_failed' || !(error instanceof Error)) return undefined;
  return { code, message: advice === '' ? error.message : `${error.message}; ${advice}` };
}

type Diagnosis = readonly [code: FleetErrorCode, advice: string];

const noJetStream: Diagnosis = [
  'no_jetstream',
  'enable JetStream in the configuration of the broker or of this account',
];

function diagnose(error: unknown): Diagnosis {
  if (error instanceof JetStreamApiError) return diagnoseApi(error.code);
  // What keeps a request from being sent stands below the error that says so.
  if (error instanceof Error && error.cause instanceof PermissionViolationError) return diagnose(error.cause);
  if (
    error instanceof AuthorizationError ||
    error instanceof PermissionViolationError ||
    error instanceof UserAuthenticationExpiredError
  ) {
    return ['broker_refused', 'check the token or the user and what it may do'];
  }
  if (error instanceof ConnectionError || error instanceof ClosedConnectionError) {
    return ['broker_unreachable', 'check its address and that it runs'];
  }
  if (error instanceof TimeoutError || (error instanceof DOMException && error.name === 'TimeoutError')) {
    return ['broker_timeout', 'the broker gave no answer in time'];
  }
  // The library answers "no responders" of the JetStream API with an error class that it does not export.
  if (error instanceof Error && (error.name === 'JetStreamNotEnabled' || isNoResponders(error))) return noJetStream;
  return ['broker_failed', ''];
}

function diagnoseApi(code: number): Diagnosis {
  switch (code) {
    case apiCodes.streamNotFound:
      return ['no_topology', 'run "kanade fleet setup" once'];
    case apiCodes.jetStreamNotEnabled:
    case apiCodes.notEnabledForAccount:
      return noJetStream;
    case apiCodes.storageExceeded:
    case apiCodes.memoryExceeded:
    case apiCodes.insufficientResources:
      return ['not_enough_storage', 'free disk space or raise max_file_store: streams reserve their sizes in advance'];
    case apiCodes.streamNameInUse:
    case apiCodes.subjectsOverlap:
    case apiCodes.updateInvalid:
      return [
        'topology_conflict',
        'what exists on the broker cannot be changed into what is needed; look at it by hand',
      ];
    case apiCodes.clusterUnavailable:
    case apiCodes.clusterLeaderless:
      return ['broker_timeout', 'its servers have no leader now, most of them may be away; try again'];
    case apiCodes.noSuitablePeers:
    case apiCodes.replicasWithoutCluster:
      return [
        'too_few_servers',
        'a copy needs a server of its own: start more of them, or ask for fewer with --replicas',
      ];
    case apiCodes.wrongLastSequence:
      return ['job_changed', 'somebody changed it at the same time; look at it and try again'];
    default:
      return ['broker_failed', ''];
  }
}

/** True when there are not enough servers for so many copies. */
export function isTooFewServers(error: unknown): boolean {
  return error instanceof JetStreamApiError && diagnoseApi(error.code)[0] === 'too_few_servers';
}

/** True when a write expected another revision of its key than the bucket holds. */
export function isWrongRevision(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === apiCodes.wrongLastSequence;
}

/** True when the broker lets this user not do it: whoever only looks something up knows less then, and may go on. */
export const isRefused = (error: unknown): boolean => brokerFault(error)?.code === 'broker_refused';

/** True when there is no such stream, bucket or object store. */
export function isMissingStream(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === apiCodes.streamNotFound;
}

/** True when nobody listens on the subject of a request. */
export function isNoResponders(error: unknown): boolean {
  return error instanceof RequestError && error.isNoResponders();
}
