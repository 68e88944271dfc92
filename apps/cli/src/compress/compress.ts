/** A shorter view of the output in an answer (contract, section 7.7): its options, and who gets one. What makes it is loaded on demand. */
import type { Jobs } from '@kanade/runner';
import { type CompressionMode, compressionModes } from '@kanade/shared/job-words';
import { type Answer, type Context, type Eventually, type Options, UsageError } from '../call/command.ts';

export const compressOptions = {
  compress: {
    kind: 'text',
    value: 'MODE',
    values: compressionModes,
    help: 'how "compression" in the answer shortens the output (default route, for output that gets shorter)',
  },
  rtk: { kind: 'text', value: 'MODE', values: compressionModes, help: 'the same as --compress' },
  whole: {
    kind: 'flag',
    help: 'the shorter view is one of the whole log, however long, not of the part in the answer',
  },
} as const;

type CompressOptions = Options<typeof compressOptions>;

/** The mode that was asked for; undefined without one. Throws {@link UsageError} for what is none, and for two. */
export function askedMode({ compress, rtk, whole }: CompressOptions): CompressionMode | undefined {
  if (compress !== undefined && rtk !== undefined && compress !== rtk) {
    throw new UsageError(`--compress ${compress} and --rtk ${rtk} are the same option: give one of them`);
  }
  const asked = compress ?? rtk;
  const mode = compressionModes.find((known) => known === asked);
  if (asked !== undefined && !mode)
    throw new UsageError(`--compress ${asked} is no mode: one of ${compressionModes.join(', ')}`);
  if (whole && mode === 'off') throw new UsageError('--whole is for a shorter view: --compress off makes none');
  return mode;
}

/** Output of fewer bytes is not compressed unless somebody asks for it: loading what does it would cost more than it saves. */
const unaskedBytesMin = 2_000;

/** The call, and the mode of the configuration file. */
interface CompressedCall {
  readonly given: CompressOptions;
  readonly configured: CompressionMode | undefined;
  readonly jobs: Jobs;
  readonly context: Context;
}

/**
 * The answer with its `compression`: by option, by configuration, else `route` for programs (contract, section 3.2). Nobody having asked, an output that is short or
 * does not get shorter has none (docs/adr/0038).
 */
export function withCompression(
  answer: Answer,
  { given, configured, jobs, context }: CompressedCall,
): Eventually<Answer> {
  const asked = askedMode(given) ?? configured ?? (given.whole ? 'route' : undefined);
  const mode = asked ?? 'route';
  if (mode === 'off') return answer;
  if (asked === undefined) {
    const bytes = String(answer.stdout).length + String(answer.stderr).length;
    if (bytes < unaskedBytesMin || context.form === 'human' || context.contract === '0.1.18') return answer;
  }
  return import('./answer.ts').then(({ compressAnswer }) =>
    compressAnswer(jobs, answer, {
      mode,
      isWhole: given.whole === true,
      isOptional: asked === undefined,
      program: context.program,
      signal: context.io.signal,
    }),
  );
}
