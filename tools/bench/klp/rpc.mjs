/** Calls, pings and pushes over a local socket, against vscode-jsonrpc, on Node and on Bun: one line for each. */

import { median, report } from '../report.mjs';
import { buildKlp, peerName, runtimes, withPeers } from './setup.mjs';

const name = process.argv[2];
const rounds = 7;

const rounded = (value) => Math.round(value * 1000) / 1000;

/** The same command to both clients in turn; the medians of one figure of their answers. */
async function interleaved(clients, command, figures) {
  const values = {};
  for (let round = -1; round < rounds; round++) {
    for (const [side, client] of Object.entries(clients)) {
      const answer = await client.ask(command);
      if (round < 0) continue; // warm-up
      for (const figure of figures) {
        values[side] ??= {};
        values[side][figure] ??= [];
        values[side][figure].push(answer[figure]);
      }
    }
  }
  return (side, figure) => median(values[side][figure]);
}

async function calls(clients, about) {
  const small = await interleaved(clients, { measure: 'calls', bytes: 64, count: 25_000, inFlight: 64 }, ['perSecond']);
  const large = await interleaved(clients, { measure: 'calls', bytes: 1024, count: 20_000, inFlight: 64 }, [
    'perSecond',
  ]);
  const [ours, theirs] = ['klp', 'vscode-jsonrpc'].map((side) => large(side, 'perSecond'));
  report({
    bench: name,
    unit: 'round trips/s of 64 bytes, 64 in flight',
    value: small('klp', 'perSecond'),
    peer: peerName,
    peerValue: small('vscode-jsonrpc', 'perSecond'),
    of1KiB: { value: rounded(ours), peerValue: rounded(theirs), ratio: rounded(ours / theirs) },
    ...about,
  });
}

async function ping(clients, about) {
  const of = await interleaved(clients, { measure: 'ping', count: 5_000 }, ['p50', 'p99']);
  const [ours, theirs] = ['klp', 'vscode-jsonrpc'].map((side) => of(side, 'p99'));
  report({
    bench: name,
    unit: 'µs, p50 of one ping',
    value: of('klp', 'p50'),
    peer: peerName,
    peerValue: of('vscode-jsonrpc', 'p50'),
    p99: { value: rounded(ours), peerValue: rounded(theirs), ratio: rounded(ours / theirs) },
    ...about,
  });
}

async function push(clients, about) {
  const of = await interleaved(clients, { measure: 'push', count: 1_500 }, ['mbPerSecond']);
  report({
    bench: name,
    unit: 'MB/s of output in pushes of 64 KiB',
    value: of('klp', 'mbPerSecond'),
    peer: peerName,
    peerValue: of('vscode-jsonrpc', 'mbPerSecond'),
    ...about,
  });
}

buildKlp();
const measure = { 'klp:calls': calls, 'klp:ping': ping, 'klp:push': push }[name];
for (const runtime of Object.keys(runtimes)) {
  await withPeers(runtime, (clients) => measure(clients, { rounds, runtime: clients.klp.ready.runtime }));
}
