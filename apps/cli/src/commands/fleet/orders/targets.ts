/** Whom an order is for, as it stands in a call. */
import type { Target } from '@kanade/shared/fleet';
import { UsageError } from '../../../call/command.ts';

export const targetOptions = {
  pc: { kind: 'texts', value: 'ID[,ID...]', help: 'machines; may be given several times' },
  group: { kind: 'texts', value: 'NAME[,NAME...]', help: 'all machines of groups; may be given several times' },
  all: { kind: 'flag', help: 'all machines' },
} as const;

/** The targets of a call, each once. Throws {@link UsageError} unless there is at least one. */
export function targetsOf({ pc, group, all }: { pc: string[]; group: string[]; all?: boolean | undefined }): Target[] {
  const targets: Target[] = [
    ...listOf('pc', pc).map((id) => ({ kind: 'pc', pc: id }) as const),
    ...listOf('group', group).map((name) => ({ kind: 'group', group: name }) as const),
  ];
  if (all && targets.length > 0) throw new UsageError('option --all means every machine: --pc and --group say less');
  if (all) return [{ kind: 'all' }];
  if (targets.length === 0) throw new UsageError('--pc, --group or --all is needed: none given');
  return targets;
}

function listOf(name: string, given: readonly string[]): string[] {
  const words = given.flatMap((text) => text.split(','));
  if (words.includes('')) throw new UsageError(`option --${name} holds an empty name: ${given.join(' ')}`);
  return [...new Set(words)];
}

/** The targets in words for people. */
export const namesOf = (targets: readonly Target[]): string =>
  targets
    .map((target) =>
      target.kind === 'pc' ? target.pc : target.kind === 'group' ? `group ${target.group}` : 'all machines',
    )
    .join(', ');
