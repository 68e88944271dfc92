/** Why a release is not taken, or could not be. Part of the API: listed in the README. */
export type UpdateErrorCode =
  | 'keys_missing'
  | 'keys_invalid'
  | 'key_exists'
  | 'key_unsafe'
  | 'key_invalid'
  | 'release_invalid'
  | 'release_unsigned'
  | 'release_revoked';

/** The one error of this package. */
export class UpdateError extends Error {
  override readonly name = 'UpdateError';
  readonly code: UpdateErrorCode;

  constructor(code: UpdateErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
