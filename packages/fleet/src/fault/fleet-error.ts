import type { EnrolRefusal, Fault } from '@kanade/shared/fleet';

/** Why something on the fleet could not be done. Part of the API: listed in the README. */
export type FleetErrorCode =
  | 'connection_invalid'
  | 'secret_unreadable'
  | 'secret_exposed'
  | 'broker_unreachable'
  | 'broker_refused'
  | 'not_nats'
  | 'tls_absent'
  | 'tls_untrusted'
  | 'tls_expired'
  | 'tls_wrong_name'
  | 'tls_client_refused'
  | 'broker_timeout'
  | 'no_jetstream'
  | 'no_topology'
  | 'not_enough_storage'
  | 'topology_conflict'
  | 'too_few_servers'
  | 'job_not_found'
  | 'job_changed'
  | 'job_revoked'
  | 'job_unserved'
  | 'manifest_invalid'
  | 'script_not_found'
  | 'script_exists'
  | 'script_invalid'
  | 'release_not_found'
  | 'release_exists'
  | 'release_wanted'
  | 'bundle_not_found'
  | 'too_large'
  | 'object_changed'
  | 'object_damaged'
  | 'invalid_id'
  | 'config_invalid'
  | 'settings_changed'
  | 'stored_unreadable'
  | 'group_not_found'
  | 'group_derived'
  | 'meta_invalid'
  | 'freeze_invalid'
  | 'key_not_found'
  | 'key_exists'
  | 'key_unsafe'
  | 'key_invalid'
  | 'key_ambiguous'
  | 'ring_invalid'
  | 'notification_invalid'
  | 'notification_not_found'
  | 'code_too_short'
  | 'machine_away'
  | 'enrol_authority_missing'
  | 'enrol_mode'
  | 'enrol_token_invalid'
  | 'enrol_token_not_found'
  | 'enrol_unanswered'
  | 'enrol_answer_invalid'
  | EnrolRefusal
  | 'broker_failed';

const retryableCodes: readonly FleetErrorCode[] = [
  'broker_unreachable',
  'broker_timeout',
  'job_changed',
  'settings_changed',
  'machine_away',
  'enrol_unanswered',
  'enrol_failed',
];

/** One fault of a manifest: the key (`execute.timeout`), what is wrong and, where there is a source, its line (from 1). */
export interface ManifestFault extends Fault {
  readonly line?: number;
}

/** The one error of this package. `faults` is filled for `manifest_invalid` (every fault, with its path and line) and for `config_invalid`. */
export class FleetError extends Error {
  override readonly name = 'FleetError';
  readonly code: FleetErrorCode;
  /** True when the same call may succeed later without anything being changed first. */
  readonly retryable: boolean;
  readonly faults: readonly ManifestFault[];

  constructor(code: FleetErrorCode, message: string, options: FleetErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = retryableCodes.includes(code);
    this.faults = options.faults ?? [];
  }
}

interface FleetErrorOptions {
  readonly cause?: unknown;
  readonly faults?: readonly ManifestFault[];
}
