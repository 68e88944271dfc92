import { bucketStream, buckets, entrySubject, parseConfigKey } from '@kanade/shared/fleet';
import { objectIn } from '../config/stored-value.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { isMissingStream, translate } from '../fault/translate.ts';
import { readHeld } from '../stream/read-held.ts';

/** A scope of settings that says which version its agents are to run. */
export interface WantedBy {
  /** `global`, `groups.<name>` or `pcs.<pc_id>`. */
  readonly key: string;
  readonly version: string;
  /** Over which time they spread, as it is written; absent: the scope leaves it to others. */
  readonly jitter?: string;
}

/** Every scope that wants a version, by key. Throws FleetError. */
export async function readTargets(
  fleet: Fleet,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<WantedBy[]> {
  const bucket = buckets.agentConfig;
  const before = entrySubject(bucket, '');
  const targets: WantedBy[] = [];
  try {
    const request = {
      stream: bucketStream(bucket),
      filter: entrySubject(bucket, '>'),
      from: 'newest',
      signal,
    } as const;
    for await (const { subject, data } of readHeld(fleet, request)) {
      const key = subject.slice(before.length);
      const { target_version: version, target_version_jitter: jitter } = objectIn(data) ?? {};
      if (typeof version !== 'string' || !parseConfigKey(key)) continue;
      targets.push({ key, version, ...(typeof jitter === 'string' ? { jitter } : {}) });
    }
  } catch (error) {
    if (isMissingStream(error)) return [];
    throw translate(error, 'reading which versions are wanted', signal);
  }
  return targets.sort((a, b) => (a.key < b.key ? -1 : 1));
}
