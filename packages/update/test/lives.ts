/** Lives of a program that updates itself, for tests that end them. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runtimeWords } from '@kanade/testkit';
import { beginStart, markHealthy } from '@kanade/update/boot';
import { install, nowMs, partsOf, platform, programOf } from './place.ts';

const live = join(import.meta.dirname, 'programs/live.ts');

/** An install with a release that waits for it; `words` start a process that acts on it. */
export function prepare(root: string, filler = '') {
  const place = install(root);
  const release = place.release({ text: programOf('1.2.0', filler) });
  const [placePath, bytesFile] = [join(root, 'place.json'), join(root, 'executable')];
  const facts = { ...place.start, keysFile: join(root, 'release-keys.json'), platform, nowMs };
  writeFileSync(bytesFile, release.bytes);
  writeFileSync(placePath, JSON.stringify({ ...facts, envelope: release.envelope, bytesFile }));
  const words = (version: string, act: string, end = '') => [
    ...runtimeWords('node'),
    live,
    placePath,
    version,
    act,
    end,
  ];
  return { ...place, waiting: release, words };
}
export type Place = ReturnType<typeof prepare>;

/** The same, with the release on trial. */
export async function onTrial(root: string, filler = ''): Promise<Place> {
  const place = prepare(root, filler);
  const updates = place.open();
  const { envelope, bytes } = place.waiting;
  await updates.install(updates.accept(envelope), { bytes: partsOf(bytes, 1024 * 1024) });
  return place;
}

/** The version that really starts. */
const started = (place: Place): string | undefined =>
  /app (\S+)/.exec(spawnSync(place.program, ['--version'], { encoding: 'utf8' }).stdout)?.[1];

/**
 * Starts what is there, as a service manager does, until it stays; then updates once more. The version that stayed; what was wrong, as an
 * error, where nothing starts, something lies about or the next update does not come through.
 */
export async function settle(place: Place, isHealthy: boolean): Promise<string> {
  let version: string | undefined;
  for (let starts = 0; starts < 9; starts++) {
    version = started(place);
    if (version === undefined) throw new Error('nothing starts');
    if (beginStart({ ...place.start, version }).kind === 'restart') continue;
    if (version === '1.0.0' || isHealthy) break;
  }
  if (version === undefined) throw new Error('nothing stays');
  if (version === '1.2.0') markHealthy({ ...place.start, version });
  const beside = place.beside().join(' ');
  if (beside !== 'app') throw new Error(`beside the program: ${beside}`);
  const later = place.release({ version: '1.4.0', released_at: '2026-11-09T00:00:00Z' });
  const updates = place.open({ version });
  await updates.install(updates.accept(later.envelope), { bytes: partsOf(later.bytes) });
  if (started(place) !== '1.4.0') throw new Error('the next update does not come through');
  return version;
}
