/** How an order asks for what fails to be tried again. */
import type { Retry } from '@kanade/shared/fleet';
import { parseHumantime, retriesMax } from '@kanade/shared/fleet-words';
import { UsageError } from '../../../call/command.ts';
import { durationOption } from '../times.ts';

/** The pause before a retry where none is given. */
const backoffDefault = '30s';

export const retryOptions = {
  retry: {
    kind: 'count',
    value: 'N',
    help: `run again what fails or takes too long, up to N more times; at most ${retriesMax}`,
  },
  backoff: { kind: 'text', value: 'DURATION', help: `pause before each of them (default: ${backoffDefault})` },
} as const;

/** What the options ask for. Throws {@link UsageError}. */
export function askedRetry(given: { retry?: number | undefined; backoff?: string | undefined }): Retry | undefined {
  const { retry: max, backoff = backoffDefault } = given;
  if (max === undefined) {
    if (given.backoff !== undefined) throw new UsageError('option --backoff needs --retry');
    return undefined;
  }
  if (max < 1 || max > retriesMax) throw new UsageError(`option --retry must be between 1 and ${retriesMax}: ${max}`);
  const backoffMs = parseHumantime(backoff) === 0 ? 0 : durationOption('backoff', backoff);
  return { max, backoff_secs: Math.ceil(backoffMs / 1000) };
}
