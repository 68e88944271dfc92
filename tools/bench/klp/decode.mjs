/** The frame decoder alone, bytes to checked text, against JSON.parse of the same bodies; on Node and on Bun: one line for each. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { interleave, report } from '../report.mjs';
import { buildKlp, built, runtimes } from './setup.mjs';

const rounds = 25;
const bytesPerRound = 2_000_000;

/** An answer to jobs.list, about 1 KiB each. */
function bodies() {
  const items = (count) =>
    Array.from({ length: count }, (_, at) => ({
      id: `pending-updates-${at}`,
      display_name: `Pending updates ${at}`,
      category: 'software_update',
      version: `1.${at}.0`,
      timeout_secs: 90 + at,
      confirm: { enabled: true, message: 'This takes a while' },
      last_run: { run_id: '0191f0c1-7b1a-7000-8000-000000000001', status: 'completed', exit_code: 0 },
    }));
  const made = [];
  for (let bytes = 0; bytes < bytesPerRound; bytes += made.at(-1).length) {
    made.push(JSON.stringify({ jsonrpc: '2.0', id: String(made.length), result: { items: items(4) } }));
  }
  return made;
}

async function measure() {
  const { createFrameDecoder, encodeFrame } = await import(built('index'));
  const texts = bodies();
  const wire = Buffer.concat(texts.map((text) => encodeFrame(text)));
  /** One-byte chunks that exist already: making them is the stream's work. */
  const single = Array.from({ length: 256 }, (_, byte) => Buffer.of(byte));
  const chunkings = {
    1: (push) => {
      for (let at = 0; at < wire.length; at++) push(single[wire[at]]);
    },
    ...Object.fromEntries(
      [16, 1_000, 65_536].map((size) => {
        const chunks = [];
        for (let at = 0; at < wire.length; at += size) chunks.push(wire.subarray(at, at + size));
        return [size, (push) => chunks.forEach(push)];
      }),
    ),
  };
  const seconds = (run) => () => {
    const startedMs = performance.now();
    run();
    return (performance.now() - startedMs) / 1000;
  };
  const decode = (chunking) => () => {
    const decoder = createFrameDecoder();
    let count = 0;
    chunking((chunk) => {
      decoder.push(chunk);
      while (decoder.next()) count++;
    });
    if (count !== texts.length) throw new Error(`decoded ${count} of ${texts.length} frames`);
  };
  /** One frame of the largest size by single bytes: as many bytes per second as small frames, or it is not linear. */
  const large = encodeFrame('x'.repeat(1_048_576));
  const decodeLarge = () => {
    const decoder = createFrameDecoder();
    for (let at = 0; at < large.length; at++) {
      decoder.push(single[large[at]]);
      if (decoder.next()) return;
    }
  };
  /** What handing over single bytes costs when nobody does anything with them. */
  const handOver = () => {
    let count = 0;
    const idle = { push: (chunk) => (count += chunk.length), next: () => count < 0 };
    chunkings[1]((chunk) => {
      idle.push(chunk);
      while (idle.next()) count++;
    });
    if (count !== wire.length) throw new Error('a byte was lost');
  };
  const parse = () => {
    for (const text of texts) JSON.parse(text);
  };
  const sides = [parse, ...Object.values(chunkings).map(decode), decodeLarge, handOver].map(seconds);
  for (const run of sides) run();
  const [parseS, ...rest] = interleave(rounds, ...sides);
  const handOverS = rest.pop();
  const largeS = rest.pop();
  const mb = wire.length / 1e6;
  const rates = Object.fromEntries(Object.keys(chunkings).map((size, at) => [size, mb / rest[at]]));
  return { parse: mb / parseS, rates, mebibyteBySingleBytes: large.length / 1e6 / largeS, handOver: mb / handOverS };
}

if (process.argv.includes('--measure')) {
  console.log(JSON.stringify(await measure()));
} else {
  buildKlp();
  for (const [runtime, program] of Object.entries(runtimes)) {
    const words = [fileURLToPath(import.meta.url), '--measure'];
    const { status, stdout } = spawnSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    if (status !== 0) throw new Error(`could not measure on ${runtime}: exit ${status}`);
    const { parse, rates, mebibyteBySingleBytes, handOver } = JSON.parse(stdout);
    const rounded = (value) => Math.round(value * 1000) / 1000;
    report({
      bench: 'klp:decode',
      unit: 'MB/s, chunks of 64 KiB',
      value: rates[65_536],
      peer: 'JSON.parse of the same bodies of 1 KiB',
      peerValue: parse,
      byChunkBytes: Object.fromEntries(
        Object.entries(rates).map(([size, rate]) => [size, { value: rounded(rate), ratio: rounded(rate / parse) }]),
      ),
      mebibyteBySingleBytes: rounded(mebibyteBySingleBytes),
      singleBytesThatNobodyDecodes: rounded(handOver),
      rounds,
      runtime,
    });
  }
}
