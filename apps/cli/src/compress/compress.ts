/** A shorter view of the output in an answer (contract, section 7.7). Its modes are accepted; none is carried out yet, and the answer says so. */
import { type CompressionMode, compressionModes } from '@kanade/shared/job-words';
import { type Options, UsageError } from '../call/command.ts';

export const compressOptions = {
  compress: {
    kind: 'text',
    value: 'MODE',
    values: compressionModes,
    help: 'shorter view of the output: accepted, not carried out yet; "compression" in the answer says so (default off)',
  },
  rtk: { kind: 'text', value: 'MODE', values: compressionModes, help: 'the same as --compress' },
} as const;

type CompressOptions = Options<typeof compressOptions>;

/** The mode that was asked for; undefined without one, and for `off`. Throws {@link UsageError} for what is none, and for two. */
export function compressionMode({ compress, rtk }: CompressOptions): CompressionMode | undefined {
  if (compress !== undefined && rtk !== undefined && compress !== rtk) {
    throw new UsageError(`--compress ${compress} and --rtk ${rtk} are the same option: give one of them`);
  }
  const asked = compress ?? rtk;
  const mode = compressionModes.find((known) => known === asked);
  if (asked !== undefined && !mode)
    throw new UsageError(`--compress ${asked} is no mode: one of ${compressionModes.join(', ')}`);
  return mode === 'off' ? undefined : mode;
}

/** What an answer says of the mode that was asked for: the excerpts beside it are whole. Nothing without a mode. */
export function compressionFields(given: CompressOptions, excerpts: Readonly<Record<string, unknown>>) {
  const mode = compressionMode(given);
  if (mode === undefined) return {};
  const compression = {
    mode,
    applied: false,
    detected_kind: mode === 'route' ? 'unknown' : mode,
    stdout: '',
    stderr: '',
    stdout_original_bytes: excerpts.stdout_total_bytes,
    stderr_original_bytes: excerpts.stderr_total_bytes,
    stdout_compressed_bytes: 0,
    stderr_compressed_bytes: 0,
    omitted: false,
    strategy: ['not-built'],
  };
  return { compression };
}
