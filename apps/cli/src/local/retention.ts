import { JobError } from '@kanade/runner';

/** How long ended jobs are kept when nobody says otherwise. */
export const retentionDefault = '30d';

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, '': 1_000 } as const;

/** Milliseconds of a retention such as `30d`, `12h`, `90m`, `45s` or bare seconds. Throws `internal_error` for anything else. */
export function parseRetention(text: string): number {
  const match = /^(\d{1,10})([dhms]?)$/.exec(text.trim());
  if (!match)
    throw new JobError(
      'internal_error',
      `not a duration: ${JSON.stringify(text)}; give 30d, 24h, 60m, 3600s or plain seconds`,
    );
  return Number(match[1]) * unitMs[(match[2] ?? '') as keyof typeof unitMs];
}
