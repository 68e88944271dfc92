/**
 * Messages of the protocol, one a line, over two streams. The package has a transport for that, too: it gives up the connection when a line is
 * long, says nothing to what is no message, and holds all that a client does not read (ADR 42).
 */
import type { Readable, Writable } from 'node:stream';
import {
  INVALID_REQUEST,
  isJSONRPCRequest,
  type JSONRPCMessage,
  PARSE_ERROR,
  parseJSONRPCMessage,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/server';
import { createAnswerSlots } from './answer-slots.ts';

export const lineLimits = {
  /** Bytes of one message: what is longer is thrown away as it comes, and refused. */
  messageBytes: 4 * 1024 * 1024,
  /** Requests that are answered or waited for at one time. */
  requests: 2_048,
  /** Bytes that the client has not read before we read no more of its own. */
  unreadBytes: 1024 * 1024,
} as const;

/** Code of an error of this server in the range that JSON-RPC leaves to it: try again later. */
const busy = -32_000;

export interface LineTransport extends Transport {
  /** Resolves when the answer to this request may be made; it counts until it is written. Rejects on abort. */
  turn(id: RequestId, signal: AbortSignal): Promise<void>;
  /** Resolves when all that was asked is answered. */
  answered(): Promise<void>;
  /** Resolves when the client has closed its end, or does not take our answers any more. */
  readonly left: Promise<void>;
}

const newline = 0x0a;

/** Splits bytes into lines, and holds no more of one than it may have. `onLong` hears of a longer one, once. */
function createLineReader(
  bytesMax: number,
  onLine: (line: string) => void,
  onLong: () => void,
): (chunk: Uint8Array) => void {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const add = (part: Uint8Array): void => {
    const wasLong = bytes > bytesMax;
    bytes += part.length;
    if (bytes <= bytesMax) parts.push(part);
    else if (!wasLong) {
      parts = [];
      onLong();
    }
  };
  return (chunk) => {
    let begin = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, begin)) {
      add(chunk.subarray(begin, end));
      if (bytes <= bytesMax) onLine(Buffer.concat(parts).toString('utf8'));
      parts = [];
      bytes = 0;
      begin = end + 1;
    }
    if (begin < chunk.length) add(chunk.subarray(begin));
  };
}

/** What we write, and who waits for it: answers in turn, and no more of the client's messages while it does not read ours. */
function createAnswerLine(input: Readable, output: Writable) {
  const slots = createAnswerSlots();
  const inHand = new Map<RequestId, () => void>();
  const open = new Set<RequestId>();
  let unread = 0;
  let whenAnswered: (() => void) | undefined;
  const done = (id: RequestId | undefined): void => {
    if (id === undefined) return;
    inHand.get(id)?.();
    inHand.delete(id);
    open.delete(id);
    if (open.size === 0) whenAnswered?.();
  };
  return {
    open,
    done,
    write(message: object, id?: RequestId): Promise<void> {
      const text = `${JSON.stringify(message)}\n`;
      unread += text.length;
      if (unread > lineLimits.unreadBytes) input.pause();
      return new Promise((resolve) => {
        output.write(text, () => {
          unread -= text.length;
          if (unread <= lineLimits.unreadBytes) input.resume();
          done(id);
          resolve();
        });
      });
    },
    async turn(id: RequestId, signal: AbortSignal): Promise<void> {
      const gone = await slots.take(signal);
      inHand.get(id)?.();
      inHand.set(id, gone);
      signal.addEventListener('abort', gone, { once: true });
    },
    async answered(): Promise<void> {
      if (open.size === 0) return;
      await new Promise<void>((resolve) => {
        whenAnswered = resolve;
      });
    },
  };
}

/** Reads messages from one stream and answers on the other. Both are the caller's; closing the transport leaves them open. */
export function createLineTransport(input: Readable, output: Writable): LineTransport {
  const answers = createAnswerLine(input, output);
  const left = Promise.withResolvers<void>();
  const refuse = (code: number, message: string, id: RequestId | null = null): void =>
    void answers.write({ jsonrpc: '2.0', id, error: { code, message } });
  const take = (message: JSONRPCMessage): void => {
    if (isJSONRPCRequest(message)) {
      if (answers.open.size >= lineLimits.requests) {
        refuse(busy, `${lineLimits.requests} calls are being answered: try again later`, message.id);
        return;
      }
      answers.open.add(message.id);
    } else if ('method' in message && message.method === 'notifications/cancelled') answers.done(cancelledId(message));
    transport.onmessage?.(message);
  };
  const takeLine = (line: string): void => {
    if (line.trim() === '') return;
    const found = parse(line);
    if ('message' in found) take(found.message);
    else refuse(found.code, found.why, found.id);
  };
  const { messageBytes } = lineLimits;
  const read = createLineReader(messageBytes, takeLine, () =>
    refuse(INVALID_REQUEST, `a message has at most ${messageBytes} bytes: give a large input as stdin_file`),
  );
  const leave = (): void => left.resolve();
  const transport: LineTransport = {
    left: left.promise,
    turn: answers.turn,
    answered: answers.answered,
    async start() {
      input.on('data', read).once('end', leave).once('close', leave).once('error', leave);
      output.once('error', leave).once('close', leave);
    },
    send: (message) => answers.write(message, 'method' in message ? undefined : message.id),
    async close() {
      input.off('data', read);
      input.pause();
      leave();
      transport.onclose?.();
    },
  };
  return transport;
}

/** A cancelled request is not answered: it is waited for no longer. */
function cancelledId({ params }: { params?: unknown }): RequestId | undefined {
  return (params as { requestId?: RequestId } | undefined)?.requestId;
}

type Found =
  | { readonly message: JSONRPCMessage }
  | { readonly code: number; readonly why: string; readonly id: RequestId | null };

function parse(line: string): Found {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { code: PARSE_ERROR, why: `no JSON: ${(error as Error).message.slice(0, 200)}`, id: null };
  }
  try {
    return { message: parseJSONRPCMessage(value) };
  } catch {
    const id = (value as { id?: unknown } | null)?.id;
    const isId = typeof id === 'string' || Number.isSafeInteger(id);
    return {
      code: INVALID_REQUEST,
      why: 'no message of JSON-RPC 2.0: one object a line',
      id: isId ? (id as RequestId) : null,
    };
  }
}
