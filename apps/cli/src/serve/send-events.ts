/** What a job prints, as server-sent events: the id of each is a cursor, and whoever comes back with it loses and repeats nothing. */
import type { JobReading } from '@kanade/runner';
import { endingFields } from '../door/ending.ts';
import { excerptBytes, readingFields } from '../door/excerpts.ts';
import type { Asked } from './room.ts';
import { taken } from './taken.ts';

/**
 * Sends until the job has ended and all is told, or the client has left. A client that reads slowly is waited for: what it has not taken
 * stays in the log.
 */
export async function sendEvents({ room, id, query, request, response, signal }: Asked<'events'>): Promise<undefined> {
  const { jobs } = room;
  const job = jobs.find(id);
  const last = request.headers['last-event-id'];
  let cursor = typeof last === 'string' && last !== '' ? last : query.cursor;
  const read = { ...(query.lines === undefined ? {} : { tailLines: query.lines }), bytesMax: excerptBytes };
  let reading: JobReading = jobs.read(job, { ...read, cursor });
  if (cursor !== undefined && reading.ended && isSilent(reading)) {
    response.writeHead(204, { 'cache-control': 'no-store' });
    response.end();
    return;
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.flushHeaders();
  room.silence.break(response);
  for (;;) {
    cursor = reading.cursor;
    if (reading.ended || !isSilent(reading)) response.write(encoded(job.id, reading));
    if (response.writableNeedDrain) await taken(response);
    if (reading.ended || signal.aborted) break;
    reading = await jobs.readNext(job, { ...read, cursor, signal });
  }
  response.end();
}

const isSilent = ({ stdout, stderr, changes, noticed }: JobReading): boolean =>
  changes.length === 0 &&
  noticed === undefined &&
  [stdout, stderr].every((part) => part.text === '' && part.omitted === undefined);

/** JSON has no raw line break, so one `data` line holds any event. */
function encoded(id: string, reading: JobReading): string {
  const { cursor, view, ended } = reading;
  const data = { job_id: id, state: view.status, ...readingFields(reading, { cursor }), ...endingFields(view) };
  return `id: ${cursor}\nevent: ${ended ? 'end' : 'output'}\ndata: ${JSON.stringify(data)}\n\n`;
}
