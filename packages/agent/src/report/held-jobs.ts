/** Job directories from which results are made that wait for the broker, or may have to be sent again. */
import { relative, sep } from 'node:path';
import type { OutboxLook, RecordSummary } from '@kanade/outbox';
import type { HeldJobs } from '../run/model.ts';
import { uploadsHeader, uploadsOf } from './uploads.ts';

/** Records of one look into the outbox. */
const pageRecords = 500;

/** Reads the outbox from its beginning, without the bodies. */
export async function readHeldJobs(outbox: Pick<OutboxLook, 'list'>, jobsRoot: string): Promise<HeldJobs> {
  const held = { waitingRuns: new Set<string>(), waiting: new Set<string>(), kept: new Set<string>() };
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page: RecordSummary[] = await outbox.list({ after, limit: pageRecords });
    for (const record of page.filter(({ headers }) => headers?.[uploadsHeader] !== undefined)) {
      const isKept = record.state === 'kept';
      if (!isKept) held.waitingRuns.add(record.id);
      for (const id of jobsOf(record, jobsRoot)) held[isKept ? 'kept' : 'waiting'].add(id);
    }
    after = page.length < pageRecords ? undefined : page.at(-1)?.cursor;
  }
  return held;
}

function jobsOf(record: RecordSummary, root: string): string[] {
  try {
    return uploadsOf(record).flatMap(({ source }) => {
      if (source.kind === 'output') return [source.jobId];
      const [first] = relative(root, source.path).split(sep);
      return first === undefined || first === '..' ? [] : [first];
    });
  } catch {
    return []; // damaged, so its result is set apart
  }
}
