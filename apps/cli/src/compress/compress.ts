/** Output is answered as it is; `off` is what older callers say for that. */
import { type Options, UsageError } from '../call/arguments.ts';

export const compressOptions = {
  compress: { kind: 'text', value: 'off', help: 'accepted: output is not compressed' },
  rtk: { kind: 'text', value: 'off', help: 'the same as --compress' },
} as const;

/** Refuses modes that do not exist, and the two names with different modes. */
export function checkCompress({ compress, rtk }: Options<typeof compressOptions>): void {
  if (compress !== undefined && rtk !== undefined && compress !== rtk) {
    throw new UsageError(`--compress ${compress} and --rtk ${rtk} are the same option: give one of them`);
  }
  const mode = compress ?? rtk;
  if (mode !== undefined && mode !== 'off')
    throw new UsageError(`--compress ${mode} is not built: only off is accepted`);
}
