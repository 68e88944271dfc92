import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { createFrameDecoder, decodeMessage, type EndReason } from '../../src/index.ts';
import { serveVectors } from '../vector-server.ts';
import { chunksOf, streamBytes } from './inputs.ts';
import { createRandom } from './random.ts';

export interface ServerReport {
  connections: number;
  answers: number;
  endings: Record<string, number>;
  /** The longest that the event loop stood still, in ms. */
  longestStallMs: number;
  highWaterMb: number;
}

interface ServerFuzz {
  firstSeed: number;
  connections: number;
  openPair: () => Promise<{ client: Duplex; server: Duplex }>;
}

const atOnce = 32;

/** Plays one hostile client to a whole server; resolves when the connection is gone. Throws when the server says anything but answers. */
async function playOne(
  seed: number,
  openPair: ServerFuzz['openPair'],
): Promise<{ reason: EndReason; answers: number }> {
  const random = createRandom(seed);
  const { client, server } = await openPair();
  const connection = serveVectors(server, { lingerMs: 200, frameTimeoutMs: 5_000 });
  const decoder = createFrameDecoder();
  let answers = 0;
  let fault: string | undefined;
  client.on('error', () => {});
  client.on('data', (chunk: Buffer) => {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame; frame = decoder.next()) {
      const kind = frame.kind === 'body' ? decodeMessage(frame.text).kind : frame.kind;
      if (kind !== 'response') fault ??= `the server sent ${kind}`;
      answers += 1;
      if (frame.kind === 'over_long') return;
    }
  });
  client.on('end', () => client.end());
  const isSlowReader = random.below(10) === 0;
  if (isSlowReader) client.pause();
  for (const chunk of chunksOf(random, streamBytes(random))) {
    if (client.destroyed || client.writableEnded) break;
    client.write(chunk);
    if (random.below(4) === 0) await turn();
  }
  if (isSlowReader) client.resume();
  if (random.below(3) === 0) client.destroy();
  else client.end();
  const reason = await connection.closed;
  client.destroy();
  if (fault) throw new Error(`fuzz the server: seed ${seed}: ${fault}`);
  return { reason, answers };
}

/** Plays many hostile clients, some of them at a time. Rejects with the seed of the first to whom the server talked nonsense. */
export async function fuzzServer({ firstSeed, connections, openPair }: ServerFuzz): Promise<ServerReport> {
  const report: ServerReport = { connections, answers: 0, endings: {}, longestStallMs: 0, highWaterMb: 0 };
  const delay = monitorEventLoopDelay({ resolution: 5 });
  let next = firstSeed;
  async function play(): Promise<void> {
    while (next < firstSeed + connections) {
      const seed = next++;
      const { reason, answers } = await playOne(seed, openPair);
      report.answers += answers;
      report.endings[reason.kind] = (report.endings[reason.kind] ?? 0) + 1;
      if (seed % 500 === 0) report.highWaterMb = Math.max(report.highWaterMb, process.memoryUsage.rss() / 1e6);
    }
  }
  delay.enable();
  await Promise.all(Array.from({ length: atOnce }, play));
  delay.disable();
  report.longestStallMs = delay.max / 1e6;
  report.highWaterMb = Math.max(report.highWaterMb, process.memoryUsage.rss() / 1e6);
  return report;
}
