import { rmSync } from 'node:fs';
import { jobDir } from '@kanade/runner';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { Ledger } from '../store/ledger.ts';

/** Runs forgotten in one transaction. */
const batchMax = 500;

/** Forgets runs that ended long ago, with their orders and their output. Job directories go after the commit that forgets them. */
export function pruneRuns(
  { ledger, jobsRoot, log }: { ledger: Pick<Ledger, 'forget'>; jobsRoot: string; log: Logger },
  nowMs: number,
): void {
  let count = 0;
  for (;;) {
    const forgotten = ledger.forget(nowMs - limits.keepEndedMs, batchMax);
    for (const { jobId } of forgotten) {
      if (jobId !== null) rmSync(jobDir(jobsRoot, jobId).path, { recursive: true, force: true });
    }
    count += forgotten.length;
    if (forgotten.length < batchMax) break;
  }
  if (count > 0) log.info({ count }, 'forgot runs that ended long ago');
}
