/** Logs of jobs as resources: the end of one, or a range of it, and who is told when there is more. */
import { type JobDescription, JobError, type Jobs } from '@kanade/runner';
import { shortJobId } from '@kanade/shared/job-words';
import {
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server';
import { excerptBytes } from '../door/excerpts.ts';

/** Bytes of one reading. */
const readBytesMax = 1024 * 1024;

/** Jobs whose logs are listed: the newest. Others are read by their address. */
const listedJobs = 20;

/** How long what is printed is gathered before one notification tells of it, in ms. */
const gatherMs = 250;

/** Logs that one connection may follow. */
const followedMax = 64;

const streams = ['stdout', 'stderr'] as const;
type Stream = (typeof streams)[number];

export const logTemplate = {
  uriTemplate: 'kanade://job/{job_id}/{stream}{?from,bytes}',
  name: 'log',
  title: 'Log of a job',
  description: `What a job has printed on stdout or stderr: the last ${excerptBytes} bytes, or the range from byte \`from\` on (\`bytes\`: ${excerptBytes} by default, ${readBytesMax} at most). \`_meta\` of the answer has range and size.`,
  mimeType: 'text/plain',
} as const;

interface LogPart {
  readonly id: string;
  readonly stream: Stream;
  /** Undefined: the end of it. */
  readonly from: number | undefined;
  readonly bytes: number;
}

/** What an address means. Throws the error of the protocol for one that is none of ours. */
export function parseLogUri(uri: unknown): LogPart {
  const match =
    typeof uri === 'string' && uri.length < 400
      ? /^kanade:\/\/job\/([A-Za-z0-9_-]{1,128})\/(stdout|stderr)(?:\?([a-z0-9=&]*))?$/.exec(uri)
      : null;
  if (!match) throw new ResourceNotFoundError(String(uri).slice(0, 400));
  const [, id = '', stream, query = ''] = match;
  const given = new URLSearchParams(query);
  const unknown = [...given.keys()].find((name) => !/^(?:from|bytes)$/.test(name));
  if (unknown !== undefined) throw invalid(`unknown parameter ${unknown}: there are from and bytes`);
  const from = numberIn(given, 'from');
  const bytes = numberIn(given, 'bytes') ?? excerptBytes;
  if (bytes > readBytesMax) throw invalid(`bytes is at most ${readBytesMax}: read on from the end of the range`);
  return { id, stream: stream as Stream, from, bytes };
}

function numberIn(given: URLSearchParams, name: string): number | undefined {
  const [text, other] = given.getAll(name);
  if (text === undefined) return undefined;
  if (other !== undefined || !/^\d{1,15}$/.test(text)) throw invalid(`${name} must be one whole number`);
  return Number(text);
}

const invalid = (message: string): ProtocolError => new ProtocolError(ProtocolErrorCode.InvalidParams, message);

function findLog(jobs: Jobs, id: string, uri: string): JobDescription {
  try {
    const view = jobs.describe(jobs.find(id));
    if (view.job.id === id) return view;
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
  }
  throw new ResourceNotFoundError(uri);
}

/** The part of a log that an address names. */
export function readLogPart(jobs: Jobs, uri: string): ReadResourceResult {
  const { id, stream, from, bytes } = parseLogUri(uri);
  const { job, status } = findLog(jobs, id, uri);
  const part =
    from === undefined
      ? jobs.tail(job, stream, { bytesMax: bytes })
      : jobs.readText(job, stream, { from, bytesMax: bytes });
  const [begin, end] = part.range;
  const meta = { range: [begin, end], total_bytes: part.totalBytes, state: status };
  return { contents: [{ uri, mimeType: 'text/plain', text: part.text, _meta: { 'kanade/log': meta } }] };
}

/** Both logs of the newest jobs. */
export function listLogs(jobs: Jobs) {
  const listed = jobs.list({ limit: listedJobs }).jobs;
  return listed.flatMap(({ view: { job, status }, meta }) =>
    streams.map((stream) => ({
      uri: `kanade://job/${job.id}/${stream}`,
      name: `${shortJobId(job.id)} ${stream}`,
      description: `${status}: ${meta.command.join(' ').slice(0, 200)}`,
      mimeType: 'text/plain',
    })),
  );
}

export interface LogWatches {
  /** Tells from now on when this log grows, and once at the end. Throws the error of the protocol for an address that is none. */
  add(uri: string): void;
  remove(uri: string): void;
  close(): void;
}

/** Watches logs for one connection. `onUpdated` hears of each at most every 250 ms. */
export function createLogWatches(jobs: Jobs, onUpdated: (uri: string) => void): LogWatches {
  const watched = new Map<string, AbortController>();
  const remove = (uri: string): void => {
    watched.get(uri)?.abort();
    watched.delete(uri);
  };
  return {
    add(uri) {
      const { id, stream } = parseLogUri(uri);
      if (watched.has(uri)) return;
      if (watched.size >= followedMax) throw invalid(`${followedMax} logs are followed already: leave one first`);
      const { job } = findLog(jobs, id, uri);
      const stop = new AbortController();
      watched.set(uri, stop);
      const gathered = createGathering(() => watched.get(uri) === stop && onUpdated(uri));
      // What stands there now is no news.
      const { cursor } = jobs.read(job, { tailLines: 1, bytesMax: excerptBytes });
      const following = jobs.follow(job, {
        cursor,
        bytesMax: excerptBytes,
        signal: stop.signal,
        onText(of) {
          if (of === stream) gathered.add();
          return undefined;
        },
        onGap: gathered.add,
      });
      const ended = (): void => {
        if (watched.get(uri) !== stop) return;
        gathered.now();
        watched.delete(uri);
      };
      following.then(ended, ended);
    },
    remove,
    close: () => {
      for (const uri of [...watched.keys()]) remove(uri);
    },
  };
}

/** Many calls become one, some time later. */
function createGathering(tell: () => void) {
  let timer: NodeJS.Timeout | undefined;
  const now = (): void => {
    clearTimeout(timer);
    timer = undefined;
    tell();
  };
  return {
    add: (): void => {
      timer ??= setTimeout(now, gatherMs);
    },
    now,
  };
}
