/* Updates a program again and again, which lies with its state in one directory; for tests that cut the power: `update-often.ts <place.json>`. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { openUpdates } from '@kanade/update';
import { beginStart, markHealthy } from '@kanade/update/boot';

const place = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as {
  readonly dir: string;
  readonly program: string;
  readonly keysFile: string;
  readonly platform: string;
  readonly nowMs: number;
  readonly releases: readonly { readonly version: string; readonly envelope: string; readonly bytes: string }[];
};
const say = (line: string) => void writeSync(1, `${line}\n`);

// As an installer leaves it.
for (const path of [place.program, place.dir]) {
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}
say('installed');
let version = '1.0.0';
for (const next of place.releases) {
  const updates = openUpdates({ ...place, version, now: () => place.nowMs });
  const release = updates.accept(next.envelope);
  say(`accepted ${next.version}`);
  await updates.install(release, {
    bytes: (async function* () {
      yield Buffer.from(next.bytes, 'base64');
    })(),
  });
  version = next.version;
  say(`exchanged ${version}`);
  beginStart({ ...place, version });
  if (markHealthy({ ...place, version })) say(`healthy ${version}`);
}
