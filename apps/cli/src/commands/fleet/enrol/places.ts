import { resolve } from 'node:path';
import { type Context, type OptionTable, UsageError } from '../../../call/command.ts';

export const authorityOption = {
  keys: {
    kind: 'text',
    value: 'DIR',
    help: 'the directory that "setup --print-server-config --enrolment" has filled (default: KANADE_ENROL_KEYS)',
  },
} as const satisfies OptionTable;

/** Where the keys are that sign users of the broker. Throws {@link UsageError}. */
export function keysOf({ keys }: { keys?: string | undefined }, { cwd, io }: Pick<Context, 'cwd' | 'io'>): string {
  const named = keys ?? io.env.KANADE_ENROL_KEYS;
  if (named) return resolve(cwd, named);
  throw new UsageError('--keys DIR is missing: there the keys are that sign users of the broker');
}
