/**
 * The long run of the fuzzers: streams for the decoder (--inputs N, 5000000) in two processes, hostile clients for whole servers, ten thousand idle
 * connections, readers that do not read. Ends with an error that names the seed when something differs, crashes or stands still for ever.
 */

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { report } from '../report.mjs';
import { buildKlp, startProgram, withDirectory } from './setup.mjs';

const workers = 2;
const idleConnections = 10_000;
const source = new URL('../../../packages/klp/test/', import.meta.url);

function argument(name, fallback) {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

/** Runs one part in a process of its own and resolves with what it found. */
function part(...words) {
  const child = spawn(
    process.execPath,
    ['--conditions=@kanade/source', fileURLToPath(import.meta.url), '--part', ...words.map(String)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`${words.join(' ')}: exit ${code}`)),
    );
  });
}

async function runPart([name, firstSeed, count]) {
  if (name === 'decoder') {
    const { fuzzDecoder } = await import(new URL('fuzz/decoder.ts', source).href);
    return fuzzDecoder({ firstSeed: Number(firstSeed), inputs: Number(count) });
  }
  const { fuzzServer } = await import(new URL('fuzz/server.ts', source).href);
  const { createMemoryPair } = await import(new URL('../src/memory.ts', source).href);
  return fuzzServer({
    firstSeed: Number(firstSeed),
    connections: Number(count),
    openPair: async () => createMemoryPair(),
  });
}

/** Ten thousand connections that say nothing: memory, stalls, and whether any of them is still served. */
const idle = () =>
  withDirectory(async (directory) => {
    const path = join(directory, 's');
    const server = await startProgram('node', './idle-server.mjs', 'klp', path);
    const clients = await startProgram('node', './idle-clients.mjs', 'klp', path);
    try {
      await server.ask({ command: 'watch' });
      await clients.ask({ command: 'open', count: idleConnections });
      await clients.ask({ command: 'ping', count: 500 });
      const { longestMs } = await server.ask({ command: 'stall' });
      const { rss, count } = await server.ask({ command: 'memory' });
      return { connections: count, longestStallMs: Math.round(longestMs), highWaterMb: Math.round(rss / 1e6) };
    } finally {
      await clients.end();
      await server.end();
    }
  });

if (process.argv[2] === '--part') {
  console.log(JSON.stringify(await runPart(process.argv.slice(3))));
} else {
  buildKlp();
  const inputs = argument('--inputs', 5_000_000);
  const firstSeed = argument('--seed', Date.now() % 2_000_000_000);
  const each = Math.ceil(inputs / workers);
  const decoders = await Promise.all(
    Array.from({ length: workers }, (_, at) => part('decoder', firstSeed + at * each, each)),
  );
  const server = await part('server', firstSeed, 20_000);
  const idling = await idle();
  const sum = (key) => decoders.reduce((total, one) => total + one[key], 0);
  const largest = (key) => Math.max(...decoders.map((one) => one[key]));
  report({
    bench: 'klp:fuzz',
    unit: 'streams decoded as the model decodes them',
    value: sum('inputs'),
    peer: 'streams asked for',
    peerValue: inputs,
    firstSeed,
    megabytes: Math.round(sum('bytes') / 1e6),
    frames: sum('frames'),
    longestInputMs: Math.round(largest('longestMs')),
    highWaterMb: Math.round(largest('highWaterMb')),
    server: {
      ...server,
      longestStallMs: Math.round(server.longestStallMs),
      highWaterMb: Math.round(server.highWaterMb),
    },
    idle: idling,
    runtime: `node ${process.versions.node}`,
  });
}
