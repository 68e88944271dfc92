import { describe, expect, it } from 'vitest';
import { createFrameDecoder, decodeMessage, encodeFrame, type Frame, type Message } from '../src/index.ts';
import { errors } from './errors.ts';
import { createRawPeer, request } from './raw-peer.ts';
import { transports } from './serving.ts';
import { serveVectors } from './vector-server.ts';
import { bytesOf, type DecodeVector, readVectors, type ServerVector } from './vectors.ts';

const all = readVectors();
const decodeVectors = all.filter((one): one is { topic: string; vector: DecodeVector } => 'events' in one.vector);
const serverVectors = all.flatMap(({ vector }) => ('answers' in vector ? [vector] : []));

function eventOf(frame: Frame): Record<string, unknown> {
  if (frame.kind === 'over_long') return { event: 'over_long', announced: frame.passed.actual };
  if (frame.kind === 'not_utf8') return { event: 'malformed', id: null, kind: 'ParseError' };
  return messageEvent(decodeMessage(frame.text, errors));
}

function messageEvent(message: Message): Record<string, unknown> {
  if (message.kind === 'malformed') return { event: 'malformed', id: message.id, kind: message.error.kind };
  if (message.kind !== 'response') {
    const { kind: event, ...rest } = message;
    return { event, ...rest };
  }
  const { id, outcome } = message;
  if (outcome.ok) return { event: 'result', id, result: outcome.result };
  const { kind, detail, limit } = outcome.error;
  return { event: 'error', id, kind, ...(detail === undefined ? {} : { detail }), ...(limit ? { limit } : {}) };
}

function decode(chunks: Buffer[]): Record<string, unknown>[] {
  const decoder = createFrameDecoder();
  const events: Record<string, unknown>[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      events.push(eventOf(frame));
      if (frame.kind === 'over_long') return events;
    }
  }
  const held = decoder.heldBytes;
  return [...events, held > 0 ? { event: 'truncated', held } : { event: 'end' }];
}

it('there are at least 100 vectors, each with a name of its own and a reason', () => {
  const names = all.map(({ topic, vector }) => `${topic}: ${vector.name}`);
  expect(names.length).toBeGreaterThanOrEqual(100);
  expect(new Set(names).size).toBe(names.length);
  expect(all.filter(({ vector }) => vector.why === '')).toEqual([]);
});

describe('the decoder', () => {
  it.each(decodeVectors)('$topic: $vector.name', ({ vector }) => {
    const chunks = vector.chunks.map(bytesOf);
    expect(decode(chunks)).toEqual(vector.events);
    expect(decode([Buffer.concat(chunks)]), 'all at once').toEqual(vector.events);
    const small = Buffer.concat(chunks);
    if (small.length < 2_000) {
      expect(decode(Array.from(small, (byte) => Buffer.of(byte))), 'byte by byte').toEqual(vector.events);
    }
  });
});

/** The members of an answer that a vector may name. */
function shown({ id, result, error }: Record<string, unknown>): Record<string, unknown> {
  if (error === undefined) return { id, result, resultTextLength: (result as { text?: string } | null)?.text?.length };
  const { code, data } = error as { code: number; data: { kind: string; detail?: string; limit?: object } };
  return { id, error: { code, kind: data.kind, detail: data.detail ?? null, limit: data.limit } };
}

describe.each(transports)('a server over $name', ({ openPair }) => {
  it.each(serverVectors)('$name', async ({ chunks, answers, then }: ServerVector) => {
    const pair = await openPair();
    const connection = serveVectors(pair.server);
    const peer = createRawPeer(pair.client);
    for (const chunk of chunks) peer.sendBytes(bytesOf(chunk));
    const seen: Record<string, unknown>[] = [];
    if (then === 'open') {
      peer.sendBytes(encodeFrame(JSON.stringify(request('sentinel', 'system.ping'))));
      for (let answer = await peer.receive(); answer.id !== 'sentinel'; answer = await peer.receive())
        seen.push(answer);
      pair.client.end();
      expect((await connection.closed).kind).toBe('closed_by_peer');
    } else {
      seen.push(...(await peer.ended));
      expect((await connection.closed).kind).toBe('limit');
    }
    expect(seen.map(shown)).toMatchObject(answers);
    expect(seen).toHaveLength(answers.length);
  });
});
