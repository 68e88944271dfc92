/** What a client costs a cold process: import of its entries over an empty script, and the size of its bundle; on Node and on Bun. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { interleave, report } from '../report.mjs';
import { buildKlp, built, runtimes, withDirectory } from './setup.mjs';

const rounds = 25;

/** Wall time of a program from start to end, in ms. */
function wallMs(program, file) {
  const startedMs = performance.now();
  const { status } = spawnSync(program, [file], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ${file}: exit ${status}`);
  return performance.now() - startedMs;
}

async function bundle(entries, outfile) {
  const names = { index: 'connectClient', socket: 'dialLocal' };
  const contents = entries.map(
    (entry) => `export { ${names[entry]} } from ${JSON.stringify(fileURLToPath(built(entry)))};`,
  );
  await build({
    stdin: { contents: contents.join('\n'), resolveDir: '.' },
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
}

const rounded = (value) => Math.round(value * 1000) / 1000;

buildKlp();
await withDirectory(async (directory) => {
  const file = (name, text) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const empty = file('empty.mjs', '');
  const entry = file('entry.mjs', `import ${JSON.stringify(built('index'))};`);
  const net = file('net.mjs', `import 'node:net';`);
  const both = file('both.mjs', `import ${JSON.stringify(built('index'))}; import ${JSON.stringify(built('socket'))};`);
  const packed = join(directory, 'client.mjs');
  await bundle(['index', 'socket'], packed);
  const { readFileSync } = await import('node:fs');
  const bytes = readFileSync(packed);
  for (const [runtime, program] of Object.entries(runtimes)) {
    const files = [empty, entry, net, both, packed];
    for (const each of files) wallMs(program, each);
    const [emptyMs, ...more] = interleave(rounds, ...files.map((each) => () => wallMs(program, each)));
    const [entryMs, netMs, bothMs, packedMs] = more.map((ms) => rounded(ms - emptyMs));
    report({
      bench: 'klp:import',
      unit: 'ms of importing the client entry, over an empty script',
      value: entryMs,
      peer: 'the empty script',
      peerValue: emptyMs,
      withDial: bothMs,
      bundledWithDial: packedMs,
      nodeNetAlone: netMs,
      bundle: { bytes: bytes.length, gzipBytes: gzipSync(bytes, { level: 9 }).length },
      rounds,
      runtime,
    });
  }
});
