/** Whose settings a call means. */
import type { ConfigAddress } from '@kanade/shared/fleet-words';
import { UsageError } from '../../../call/command.ts';

export const scopeOptions = {
  pc: { kind: 'text', value: 'ID', help: 'those of one machine, which win over all others' },
  group: { kind: 'text', value: 'NAME', help: 'those of a group (default: those of the whole fleet)' },
} as const;

/** Throws {@link UsageError} for a machine and a group together. */
export function scopeOf({ pc, group }: { pc?: string | undefined; group?: string | undefined }): ConfigAddress {
  if (pc !== undefined && group !== undefined) throw new UsageError('--pc and --group exclude each other');
  if (pc !== undefined) return { kind: 'pc', pc };
  return group === undefined ? { kind: 'global' } : { kind: 'group', group };
}
