/** Memory of idle connections in the server, against vscode-jsonrpc, on Node and on Bun: one line for each. */
import { join } from 'node:path';
import { median, report } from '../report.mjs';
import { buildKlp, runtimes, startProgram, withDirectory } from './setup.mjs';

const connections = 5_000;
const rounds = 3;

/** KB per connection of one server. */
function measure(runtime, side) {
  return withDirectory(async (directory) => {
    const path = join(directory, 's');
    const server = await startProgram(runtime, './idle-server.mjs', side, path);
    const clients = await startProgram('node', './idle-clients.mjs', side, path);
    try {
      // What code and pools cost is there before the first look.
      await clients.ask({ command: 'open', count: 300 });
      const before = await server.ask({ command: 'memory' });
      await clients.ask({ command: 'open', count: connections });
      const after = await server.ask({ command: 'memory' });
      if (after.count !== connections + 300) throw new Error(`the server has ${after.count} connections`);
      return { kb: (after.rss - before.rss) / 1000 / connections, runtime: after.runtime };
    } finally {
      await clients.end();
      await server.end();
    }
  });
}

buildKlp();
for (const runtime of Object.keys(runtimes)) {
  const values = { klp: [], 'vscode-jsonrpc': [] };
  let name = runtime;
  for (let round = 0; round < rounds; round++) {
    for (const side of Object.keys(values)) {
      const { kb, runtime: measured } = await measure(runtime, side);
      values[side].push(kb);
      name = measured;
    }
  }
  report({
    bench: 'klp:idle',
    unit: `KB of the server per idle connection, ${connections}`,
    value: median(values.klp),
    peer: 'vscode-jsonrpc 10, same kind of socket',
    peerValue: median(values['vscode-jsonrpc']),
    rounds,
    runtime: name,
  });
}
