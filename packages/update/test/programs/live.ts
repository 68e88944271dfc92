/*
 * One life of a program that updates itself, for tests that end it: `live.ts <place.json> <version> <act> [<end>]`.
 *
 *   install   takes the release of the place; killed by SIGKILL right behind the step `end`, if one is given
 *   begin     counts a start, or puts the old version back
 *   healthy   the same, and then it is
 *
 * Prints one line per step before anything follows from it.
 */
import { createReadStream, readFileSync, writeSync } from 'node:fs';
import { openUpdates } from '@kanade/update';
import { beginStart, markHealthy } from '@kanade/update/boot';

const [, , placePath = '', version = '', act = '', end = ''] = process.argv;
const place = JSON.parse(readFileSync(placePath, 'utf8')) as {
  readonly dir: string;
  readonly program: string;
  readonly keysFile: string;
  readonly platform: string;
  readonly nowMs: number;
  readonly envelope: string;
  readonly bytesFile: string;
};

function say(step: string): void {
  writeSync(1, `${step}\n`);
  if (step === end) process.kill(process.pid, 'SIGKILL');
}

async function* parts() {
  yield* createReadStream(place.bytesFile) as AsyncIterable<Uint8Array>;
  say('received');
}

say('begun');
if (act === 'install') {
  const updates = openUpdates({ ...place, version, now: () => place.nowMs, onEvent: ({ type }) => say(type) });
  const release = updates.accept(place.envelope);
  say('accepted');
  await updates.install(release, { bytes: parts() });
} else {
  const { kind } = beginStart({ ...place, version });
  say(kind);
  if (act === 'healthy') markHealthy({ ...place, version });
}
say('over');
