/** What a signed user says of itself. Whether it is true the broker knows. */
export interface UserClaims {
  readonly sub?: unknown;
  readonly name?: unknown;
  readonly exp?: unknown;
  readonly nats?: { readonly issuer_account?: unknown; readonly tags?: unknown };
}

/** Empty for what is none. */
export function claimsOf(jwt: string): UserClaims {
  try {
    const value: unknown = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
