/** NATS by hand for an oracle that outlives its broker: a connection that breaks is made anew, and what it was asked is refused. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long an answer of the broker may take, in ms, before the oracle asks again. */
const answerMs = 2_000;

export interface Wire extends Disposable {
  /** The answer to a request, asked again until there is one: a broker that is away or busy is waited for. */
  ask(subject: string, body: string): Promise<string>;
  /** The same, until there is an answer that is no refusal. */
  insist(subject: string, body: string): Promise<string>;
}

/** A wire to whichever of the brokers answers. */
export function openWire(ports: readonly number[]): Wire {
  let turn = 0;
  let connection: Promise<Connection> | undefined;
  let isClosed = false;

  async function request(subject: string, body: string): Promise<string> {
    connection ??= dial(ports[turn++ % ports.length] ?? 0);
    const mine = connection;
    try {
      return await (await mine).request(subject, body);
    } catch (error) {
      if (connection === mine) connection = undefined;
      mine.then(({ close }) => close()).catch(() => undefined);
      throw error;
    }
  }

  async function ask(subject: string, body: string): Promise<string> {
    for (;;) {
      if (isClosed) throw new Error('the oracle has left');
      const answer = await request(subject, body).catch(() => undefined);
      if (answer !== undefined) return answer;
      await sleep(20);
    }
  }

  return {
    ask,
    async insist(subject, body) {
      for (;;) {
        const answer = await ask(subject, body);
        if (!('error' in JSON.parse(answer))) return answer;
        await sleep(20);
      }
    },
    [Symbol.dispose]() {
      isClosed = true;
      connection?.then(({ close }) => close()).catch(() => undefined);
    },
  };
}

interface Connection {
  request(subject: string, body: string): Promise<string>;
  close(): void;
}

let connections = 0;

async function dial(port: number): Promise<Connection> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  const gone = new AbortController();
  socket.on('error', () => undefined).once('close', () => gone.abort(new Error('the connection broke')));
  await once(socket, 'connect', { signal: gone.signal });
  const inbox = `_INBOX.oracle.${process.pid}.${++connections}`;
  const waiting = new Map<string, (answer: string) => void>();
  followMessages(socket, (subject, body) => {
    waiting.get(subject)?.(body);
    waiting.delete(subject);
  });
  socket.write(`CONNECT {"verbose":false,"headers":true,"no_responders":true,"protocol":1}\r\nSUB ${inbox}.* 1\r\n`);
  let asked = 0;
  return {
    request(subject, body) {
      const reply = `${inbox}.${++asked}`;
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      waiting.set(reply, resolve);
      const late = setTimeout(() => reject(new Error(`no answer on ${subject}`)), answerMs);
      const onGone = (): void => reject(gone.signal.reason);
      gone.signal.addEventListener('abort', onGone);
      if (gone.signal.aborted) onGone();
      socket.write(`PUB ${subject} ${reply} ${Buffer.byteLength(body)}\r\n${body}\r\n`);
      return promise.finally(() => {
        clearTimeout(late);
        waiting.delete(reply);
        gone.signal.removeEventListener('abort', onGone);
      });
    },
    close: () => socket.destroy(),
  };
}

/** Calls back with each message; answers the broker's pings. A message with headers alone says that nobody answers. */
function followMessages(socket: Socket, onMessage: (subject: string, body: string) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    for (;;) {
      const end = pending.indexOf('\r\n');
      if (end < 0) return;
      const words = pending.toString('latin1', 0, end).split(' ');
      if (words[0] === 'PING') socket.write('PONG\r\n');
      const hasBody = words[0] === 'MSG' || words[0] === 'HMSG';
      const bytes = hasBody ? Number(words.at(-1)) : -2;
      if (pending.length < end + 2 + bytes + 2) return;
      const headerBytes = words[0] === 'HMSG' ? Number(words.at(-2)) : 0;
      if (hasBody) {
        const body = pending.toString('utf8', end + 2 + headerBytes, end + 2 + bytes);
        onMessage(words[1] ?? '', body === '' ? '{"error":"nobody answers"}' : body);
      }
      pending = pending.subarray(end + 2 + bytes + 2);
    }
  });
}

/** A message as a stream holds it. */
interface StoredMessage {
  readonly subject: string;
  readonly seq: number;
  readonly data?: string;
}

/** Sequences that a stream holds, first and last; last below first when it is empty. */
export async function boundsOf(wire: Wire, stream: string): Promise<{ first: number; last: number }> {
  const answer = await wire.insist(`$JS.API.STREAM.INFO.${stream}`, '');
  const { state } = JSON.parse(answer) as { state: { first_seq: number; last_seq: number } };
  return { first: state.first_seq, last: state.last_seq };
}

/** What a stream holds at a place, or at the first place from there on with a subject; undefined when there is nothing. */
export async function messageAt(
  wire: Wire,
  stream: string,
  at: { seq: number; next_by_subj?: string } | { last_by_subj: string },
): Promise<{ subject: string; seq: number; bytes: Buffer } | undefined> {
  const answer = JSON.parse(await wire.ask(`$JS.API.STREAM.MSG.GET.${stream}`, JSON.stringify(at))) as {
    message?: StoredMessage;
  };
  if (!answer.message) return undefined;
  const { subject, seq, data = '' } = answer.message;
  return { subject, seq, bytes: Buffer.from(data, 'base64') };
}

/** The bytes of an object in a store, checked against what the store says of them; undefined when they are not there or not whole. */
export async function objectIn(wire: Wire, store: string, name: string): Promise<Buffer | undefined> {
  const key = Buffer.from(name)
    .toString('base64url')
    .padEnd(Math.ceil(Buffer.byteLength(name) / 3) * 4, '=');
  const meta = await messageAt(wire, `OBJ_${store}`, { last_by_subj: `$O.${store}.M.${key}` });
  if (!meta) return undefined;
  const { nuid, chunks, size, digest } = JSON.parse(meta.bytes.toString('utf8')) as Record<string, string>;
  const parts: Buffer[] = [];
  for (let seq = 1; parts.length < Number(chunks); ) {
    const part = await messageAt(wire, `OBJ_${store}`, { seq, next_by_subj: `$O.${store}.C.${nuid}` });
    if (!part) return undefined;
    parts.push(part.bytes);
    seq = part.seq + 1;
  }
  const bytes = Buffer.concat(parts);
  const found = `SHA-256=${createHash('sha256').update(bytes).digest('base64url')}`;
  return bytes.length === Number(size) && found.replaceAll('=', '') === digest?.replaceAll('=', '') ? bytes : undefined;
}
