/** Files of a connection that must be there, and guarded as they are relied upon. */
import { type FileGuard, lookGuarded } from '@kanade/durable/files';
import { FleetError } from '../fault/fleet-error.ts';

/**
 * The bytes of a file that is guarded so. Throws FleetError `secret_unreadable` or `secret_exposed`; `what` names it
 * (`the token file`).
 */
export function readGuarded(path: string, what: string, guard: FileGuard): Uint8Array {
  const found = lookGuarded(path, { guard });
  if (found.ok) return found.bytes;
  const { fault, why, cause } = found;
  throw fault === 'exposed'
    ? new FleetError('secret_exposed', `${what} is not used: ${path}: ${why}`, { cause })
    : new FleetError('secret_unreadable', `${what} cannot be read: ${path}: ${why}`, { cause });
}
