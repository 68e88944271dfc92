/**
 * A shorter view of a job's output (contract, section 7.7): text in, text out. It knows no job, no file and no door; what is in the answer beside it stays as
 * it is. Every line that a filter does not show passes the leftovers, so that no error line gets lost uncounted.
 */
import type { CompressionMode } from '@kanade/shared/job-words';
import { createBounded } from './filter/filter.ts';
import { createErrorLook, createLeftovers, type LeftOut, type Leftovers } from './leftovers.ts';
import { bytesOf } from './line/line.ts';
import { createSplitter } from './line/split.ts';
import { kindByCommand } from './route/by-command.ts';
import { kindByShape } from './route/by-shape.ts';
import { type Kind, kindOfMode, kinds } from './route/kinds.ts';

type Mode = Exclude<CompressionMode, 'off'>;

/** Text of one stream: lossy UTF-8 of the bytes `[begin, end)` of a log of so many bytes. */
export interface StreamText {
  readonly text: string;
  readonly range: readonly [number, number];
  readonly totalBytes: number;
}

export interface CompressRequest {
  readonly mode: Mode;
  /** The words of the job's command, for `route`. */
  readonly command?: readonly string[] | undefined;
  readonly stdout: StreamText;
  readonly stderr: StreamText;
}

type StreamName = 'stdout' | 'stderr';

/** Lines of a stream that are not in its view, with the bytes from the first to the last of them. */
export interface StreamLeftOut {
  readonly stream: StreamName;
  readonly range: readonly [number, number];
  readonly lines: number;
  /** Error lines among them: 0 unless there were more than a view has room for. */
  readonly error_lines: number;
}

/** The `compression` object of an answer. */
export interface Compression {
  readonly mode: Mode;
  readonly applied: boolean;
  readonly detected_kind: Kind;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdout_original_bytes: number;
  readonly stderr_original_bytes: number;
  readonly stdout_compressed_bytes: number;
  readonly stderr_compressed_bytes: number;
  readonly omitted: boolean;
  readonly strategy: readonly string[];
  readonly left_out?: readonly StreamLeftOut[];
}

/** The view of two excerpts. Never throws for a text, and is never longer than the text where it is applied. */
export function compress({ mode, command, stdout, stderr }: CompressRequest): Compression {
  const kind = kindOf(mode, { command, stdout: stdout.text, stderr: stderr.text });
  const view = ({ text, range }: StreamText): StreamView => {
    const sieve = createStreamSieve(kind, range[0]);
    sieve.push(text);
    return sieve.end(range);
  };
  return compressionOf(
    { mode, kind, stdoutBytes: stdout.totalBytes, stderrBytes: stderr.totalBytes },
    view(stdout),
    view(stderr),
  );
}

interface Looks {
  readonly command?: readonly string[] | undefined;
  /** The beginning of each stream is enough. */
  readonly stdout: string;
  readonly stderr: string;
}

/** The kind of output that a mode stands for: by command, else by looks, where the mode leaves it open. */
export function kindOf(mode: Mode, { command = [], stdout, stderr }: Looks): Kind {
  if (mode !== 'route') return kindOfMode[mode];
  return kindByCommand(command) ?? kindByShape(stdout, stderr);
}

/** Raw text that is held to be shown where no view is shorter, in characters. */
const rawCharsMax = 64 * 1024;

/** What became of one stream. */
export interface StreamView {
  readonly text: string;
  readonly isShorter: boolean;
  readonly leftOut: LeftOut;
}

/** Takes a stream in pieces of any size and holds a bounded part of it. */
export interface Sieve {
  /** The next piece; `bytes` is what it takes in the log, where that is known. */
  push(piece: string, bytes?: number): void;
  /** The log has no bytes from here to an offset: they were not kept. */
  skip(from: number, to: number): void;
  /** The view; `range` is all that was read. */
  end(range: readonly [number, number]): StreamView;
}

/** A sieve for one stream of a kind of output, whose first byte is at `from`. */
export function createStreamSieve(kind: Kind, from: number): Sieve {
  const facts = kinds[kind];
  const isError = createErrorLook(facts.errors);
  const ways = [facts.create, createBounded(facts.otherwise)].map((create) => {
    const leftovers = createLeftovers(isError);
    return { leftovers, filter: create(leftovers.drop) };
  });
  const splitter = createSplitter(from, {
    line(line) {
      for (const { filter } of ways) filter.take(line);
    },
    overwritten(line) {
      for (const { leftovers } of ways) leftovers.drop(line);
    },
  });
  let raw: string | undefined = '';
  let [bytes, isExact, endsLine, missing] = [0, true, false, 0];
  return {
    push(piece, pieceBytes = bytesOf(piece)) {
      bytes += pieceBytes;
      if (piece !== '') endsLine = piece.endsWith('\n');
      // Bytes that are no UTF-8 take another number of them as text.
      if (isExact && piece.includes('\ufffd')) isExact = false;
      raw = raw !== undefined && raw.length + piece.length <= rawCharsMax ? raw + piece : undefined;
      splitter.push(piece, pieceBytes);
    },
    skip(begin, to) {
      missing += to - begin;
      splitter.skip(to);
    },
    end(range) {
      splitter.end();
      const shown = ways.map(({ filter }) => filter.end());
      const at = shown[0] === '' ? 1 : 0;
      const { leftovers } = ways[at] as { leftovers: Leftovers };
      const kept = withErrors(shown[at] ?? '', leftovers, 'errorPrefix' in facts ? facts.errorPrefix : undefined);
      const text = missing === 0 ? kept : `${kept}\n... ${missing} bytes of the log were not kept ...`;
      const isShorter = bytesOf(text) + (endsLine ? 1 : 0) < bytes;
      const { range: exact, ...counts } = leftovers.leftOut();
      const leftOut = { ...counts, range: isExact ? exact : range };
      if (isShorter || raw === undefined) return { text, isShorter, leftOut };
      return { text: endsLine ? raw.slice(0, -1) : raw, isShorter, leftOut: { lines: 0, errors: 0, range: undefined } };
    },
  };
}

/** The view of a filter with the error lines below it that it does not show. */
function withErrors(text: string, leftovers: Leftovers, prefix: string | undefined): string {
  const lines = new Set(text.split('\n'));
  const errors = leftovers.errors().filter((line) => !lines.has(line));
  if (errors.length === 0) return text;
  const below = prefix === undefined ? ['... error lines:', ...errors] : errors.map((line) => `${prefix}${line}`);
  return text === '' ? errors.join('\n') : [text, ...below].join('\n');
}

interface ViewFacts {
  readonly mode: Mode;
  readonly kind: Kind;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

/** The object of two views. A stream whose view is not shorter stands there as it is; when that is both of them, nothing was applied. */
export function compressionOf(
  { mode, kind, stdoutBytes, stderrBytes }: ViewFacts,
  stdout: StreamView,
  stderr: StreamView,
): Compression {
  const head = { mode, detected_kind: kind, stdout_original_bytes: stdoutBytes, stderr_original_bytes: stderrBytes };
  const isEmpty = stdout.text === '' && stderr.text === '' && stdoutBytes + stderrBytes === 0;
  const { strategy, saysTruncation } = kinds[kind];
  const applied = stdout.isShorter || stderr.isShorter;
  if (!applied) {
    const none = { stdout: '', stderr: '', stdout_compressed_bytes: 0, stderr_compressed_bytes: 0, omitted: false };
    return { ...head, applied: isEmpty, ...none, strategy: isEmpty ? [strategy] : ['expansion-guard'] };
  }
  const left = [...leftOutOf('stdout', stdout), ...leftOutOf('stderr', stderr)];
  return {
    ...head,
    applied,
    stdout: stdout.text,
    stderr: stderr.text,
    stdout_compressed_bytes: bytesOf(stdout.text),
    stderr_compressed_bytes: bytesOf(stderr.text),
    omitted: true,
    strategy: saysTruncation ? [strategy, 'truncation'] : [strategy],
    ...(left.length > 0 ? { left_out: left } : {}),
  };
}

function leftOutOf(stream: StreamName, { leftOut: { lines, errors, range } }: StreamView): StreamLeftOut[] {
  return range === undefined || lines + errors === 0 ? [] : [{ stream, range, lines, error_lines: errors }];
}
