// Makes the directory that is kept of a release, with every file that it writes: `keep-state.ts <directory>`. One version was put back and
// not told of yet, another one is on trial.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginStart } from '@kanade/update/boot';
import { install, partsOf } from '../place.ts';

const [, , target = ''] = process.argv;

const home = mkdtempSync(join(tmpdir(), 'keep-'));
const place = install(home);
const updates = place.open();
const put = async (version: string, released_at: string) => {
  const { envelope, bytes } = place.release({ version, released_at, revoked_keys: ['taken-back'] });
  await updates.install(updates.accept(envelope), { bytes: partsOf(bytes) });
};

await put('1.2.0', '2026-11-05T00:00:00Z');
for (let start = 0; start < 4; start++) beginStart({ ...place.start, version: '1.2.0' });
const told = join(home, 'failed.json');
cpSync(join(place.dir, 'failed.json'), told);
await put('1.3.0', '2026-11-06T00:00:00Z');
for (let start = 0; start < 2; start++) beginStart({ ...place.start, version: '1.3.0' });
cpSync(told, join(place.dir, 'failed.json')); // a new trial takes it away
cpSync(place.dir, target, { recursive: true });
rmSync(home, { recursive: true });
