/**
 * From the call that installs the `.deb` to the first heartbeat that a broker gets of that machine: a new one for each round, with a real systemd,
 * its writes on the disk. Beside it the same install where nothing may be started. And what each package weighs, made as a release makes it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makePackages } from '../../../apps/kanade/release/packages.mjs';
import { executable } from '../cli/setup.mjs';
import { median, report } from '../report.mjs';
import { numberOption } from '../runner/setup.mjs';

const rounds = numberOption('rounds', 5);

/** The parts of tests know each other by their source. */
function runOnSource() {
  const words = ['--conditions=@kanade/source', fileURLToPath(import.meta.url), ...process.argv.slice(2), '--measure'];
  const env = { ...process.env, KANADE_PROGRAM: JSON.stringify(executable) };
  execFileSync(process.execPath, words, { stdio: 'inherit', env });
}

async function installed(versions, mayStart) {
  const { openPackageSite } = await import('../../../apps/kanade/test/packages/site.ts');
  await using site = await openPackageSite('deb', versions, { writes: 'disk' });
  if (!mayStart) {
    writeFileSync(site.machine.path('/usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  }
  await site.prepare('1.0.0');
  const { heard } = await site.nextHeartbeat();
  const startMs = performance.now();
  await site.install('1.0.0');
  if (mayStart) return (await heard) - startMs;
  heard.catch(() => undefined); // the machine ends, and nobody was heard
  return performance.now() - startMs;
}

async function measure() {
  const out = mkdtempSync(join(tmpdir(), 'kanade-bench-'));
  try {
    const made = await makePackages({ executable: executable[0], version: '1.0.0', platform: 'linux-x64', out });
    const { file } = made.find(({ kind }) => kind === 'deb');
    const [begun, quiet] = [[], []];
    for (let round = 0; round < rounds; round++) {
      begun.push(await installed({ file: () => file }, true));
      quiet.push(await installed({ file: () => file }, false));
    }
    report({
      bench: 'kanade:install',
      unit: 's from dpkg --install to the first heartbeat',
      value: median(begun) / 1000,
      peer: 'the same install, and nothing may start',
      peerValue: median(quiet) / 1000,
      megabytes: Object.fromEntries(made.map(({ kind, bytes }) => [kind, Math.round(bytes / 1e5) / 10])),
      rounds,
      runtime: 'executable',
    });
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

if (process.argv.includes('--measure')) await measure();
else runOnSource();
