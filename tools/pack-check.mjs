/**
 * Packs a package as it would be published and checks the tarball: `publint`, `attw` (types resolve for ESM users), no
 * source condition left, no `workspace:` range, README and licence inside. Exits 1 with what is wrong.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, root } from './toolchain.mjs';

const projectDir = join(root, process.argv[2] ?? '');
const dir = mkdtempSync(join(tmpdir(), 'kanade-pack-'));
const faults = [];

function check(name, file, args) {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: projectDir, env: environment(), encoding: 'utf8' });
  if (status !== 0) faults.push(`${name}:\n${stdout}${stderr}`);
}

try {
  execFileSync('pnpm', ['pack', '--pack-destination', dir], { cwd: projectDir, env: environment(), stdio: 'ignore' });
  const tarball = join(dir, readdirSync(dir).find((name) => name.endsWith('.tgz')) ?? 'none');
  const list = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
  const manifest = execFileSync('tar', ['-xzOf', tarball, 'package/package.json'], { encoding: 'utf8' });
  if (manifest.includes('workspace:')) faults.push('package.json still has a workspace: range');
  if (JSON.stringify(JSON.parse(manifest).exports).includes('@kanade/source'))
    faults.push('exports still has the source condition');
  if (manifest.includes('prepack')) faults.push('package.json names a script that only this repository has');
  for (const name of ['README.md', 'LICENSE'])
    if (!list.includes(`package/${name}`)) faults.push(`${name} is not in the tarball`);
  for (const name of list.filter((path) => /\.test\.|tsbuildinfo|\/src\//.test(path)))
    faults.push(`${name} does not belong into the tarball`);
  check('publint', 'publint', [tarball, '--strict']);
  check('attw', 'attw', [tarball, '--profile', 'esm-only', '--no-emoji']);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);
