/**
 * What one user can do to the local socket of a real agent, as `trust/local-abuse` does it: nonsense, lengths that lie, single bytes, cancels, a peer
 * that never reads, 10,000 connections that say nothing. How long the requests of another user take meanwhile, and what the agent holds.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../toolchain.mjs';
import { median, report } from '../report.mjs';
import { withDirectory } from './setup.mjs';

const at = process.argv.indexOf('--rounds');
const rounds = at < 0 ? 3 : Number(process.argv[at + 1]);

await withDirectory((directory) => {
  const seen = Array.from({ length: rounds }, () => {
    const file = join(directory, 'figures');
    const words = ['run', '--project', 'executable', 'test/trust/local-abuse.test.ts'];
    execFileSync(join(root, 'node_modules/.bin/vitest'), words, {
      cwd: join(root, 'apps/kanade'),
      env: { ...process.env, KANADE_FIGURES: file, KANADE_TRUST_ROUNDS: '5' },
      stdio: ['ignore', 2, 2],
    });
    return JSON.parse(readFileSync(file, 'utf8'));
  });
  const longest = (which) => median(seen.map((one) => Math.max(...one[which])));
  const of = (name) => median(seen.map((one) => one[name]));
  report({
    bench: 'klp:abuse',
    unit: 'ms, the longest of 40 requests of another user',
    value: longest('meanwhile'),
    peer: 'the longest of 5 with nobody else there',
    peerValue: longest('alone'),
    p50: median(seen.flatMap((one) => one.meanwhile)),
    connections: of('attempts'),
    refused: of('refused'),
    megabytes: { before: of('before_mb'), most: of('most'), after: of('megabytes') },
    rounds,
    runtime: 'executable',
  });
});
