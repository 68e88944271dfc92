/** Why a release is not taken, or could not be. Part of the API: listed in the README. */
export type UpdateErrorCode =
  | 'already_current'
  | 'broker_too_old'
  | 'busy'
  | 'bytes_too_few'
  | 'bytes_too_many'
  | 'bytes_wrong'
  | 'key_exists'
  | 'key_invalid'
  | 'key_unsafe'
  | 'keys_invalid'
  | 'keys_missing'
  | 'no_room'
  | 'not_writable'
  | 'on_trial'
  | 'program_unfit'
  | 'quarantined'
  | 'release_below_floor'
  | 'release_expired'
  | 'release_invalid'
  | 'release_other_platform'
  | 'release_other_version'
  | 'release_replayed'
  | 'release_revoked'
  | 'release_unsigned'
  | 'state_invalid'
  | 'unsupported';

/** The one error of this package. */
export class UpdateError extends Error {
  override readonly name = 'UpdateError';
  readonly code: UpdateErrorCode;

  constructor(code: UpdateErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
