/**
 * What goes into object stores before a result is sent, beside its record in the outbox: in a header, so that the body stays what is
 * published. Records of agents before 0.2 have none, and hold all of the output in their body.
 */
import { z } from 'zod';
import type { Upload } from '../run/model.ts';

/** A record that has something to bring along has this header. */
export const uploadsHeader = 'uploads';

const Uploads: z.ZodType<Upload[]> = z.array(
  z.object({
    store: z.string(),
    key: z.string(),
    source: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('output'),
        jobId: z.string(),
        stream: z.enum(['stdout', 'stderr']),
        bytes: z.int(),
        notes: z.array(z.string()),
      }),
      z.object({ kind: z.literal('file'), path: z.string() }),
    ]),
  }),
);

/** Long results are delivered after short ones, and few at a time. */
const longPriority = -1;

/** What the record of a result needs to be delivered with its objects. */
export const withUploads = (uploads: readonly Upload[]) => ({
  headers: { [uploadsHeader]: JSON.stringify(uploads) },
  priority: longPriority,
});

/** What is to be brought along with a record. Throws for a header that is none of ours. */
export const uploadsOf = ({ headers }: { headers: Readonly<Record<string, string>> | null }): Upload[] =>
  Uploads.parse(JSON.parse(headers?.[uploadsHeader] ?? '[]'));
