/* Cuts the power of `update-often.ts`: `power-cut.ts <directory> <cuts> <seed>`. Prints what was found, as one line of JSON. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { compareReleaseVersions } from '@kanade/shared/release';
import { runtimeWords } from '@kanade/testkit';
import { cutPower } from '@kanade/testkit/power-cut';
import { openUpdates } from '@kanade/update';
import { beginStart } from '@kanade/update/boot';
import { install, nowMs, partsOf, platform, programOf } from '../place.ts';

const [, , directory = '', cutsText = '', seedText = ''] = process.argv;
const model = join(directory, 'model');
mkdirSync(model);
const made = install(directory);
const day = (at: number) => new Date(Date.parse('2026-11-01T00:00:00Z') + at * 60_000).toISOString();
/** Larger than a sector, so that one may be torn. */
const filler = `# ${'kanade '.repeat(400)}`;
const releases = Array.from({ length: 40 }, (_, at) => {
  const version = `1.${at + 1}.0`;
  return { version, ...made.release({ version, released_at: day(at), text: programOf(version, filler) }) };
});
const last = made.release({ version: '2.0.0', released_at: day(100) });
const texts = new Map([
  ['1.0.0', programOf('1.0.0')],
  ...releases.map(({ version, bytes }) => [version, bytes.toString()] as const),
]);
const keysFile = join(directory, 'release-keys.json');
const found = { broken: [] as string[], forgotten: [] as string[], stuck: [] as string[] };

const newest = (said: readonly string[], step: string): string =>
  said.findLast((line) => line.startsWith(`${step} `))?.slice(step.length + 1) ?? '1.0.0';

async function check(place: string, said: readonly string[]): Promise<void> {
  if (said.length === 0) return;
  const program = join(place, 'app');
  const text = existsSync(program) ? readFileSync(program, 'utf8') : '';
  const version = [...texts].find(([, whole]) => whole === text)?.[0];
  if (version === undefined || compareReleaseVersions(version, newest(said, 'exchanged')) < 0) {
    found.broken.push(`${place}: ${said.at(-1)}: ${version ?? `${text.length} bytes`}`);
    return;
  }
  chmodSync(program, 0o755);
  const accepted = newest(said, 'accepted');
  const known =
    openUpdates({ dir: place, program, version, keysFile, platform }).standing().accepted?.released_at ?? '';
  if (
    accepted !== '1.0.0' &&
    known < (releases.find((release) => release.version === accepted)?.manifest.released_at ?? '')
  )
    found.forgotten.push(`${place}: ${accepted}`);
  const { kind, fault } = beginStart({ dir: place, program, version });
  const updates = openUpdates({ dir: place, program, version, keysFile, platform, now: () => nowMs });
  // It has counted one start, and is on trial perhaps: what is asked is whether anything keeps it from going on.
  const code = await updates.install(updates.accept(last.envelope), { bytes: partsOf(last.bytes, 1_000) }).then(
    () => 'done',
    (error) => (error as { code: string }).code,
  );
  if (kind !== 'run' || fault || !['done', 'on_trial'].includes(code))
    found.stuck.push(`${place}: ${kind} ${fault} ${code}`);
}

const { cuts, syncs, said } = await cutPower({
  directory: model,
  words: (live) => {
    const program = join(live, 'app');
    writeFileSync(program, programOf('1.0.0'), { mode: 0o755 });
    const words = { dir: live, program, keysFile, platform, nowMs };
    const placePath = join(directory, 'place.json');
    const sent = releases.map(({ version, envelope, bytes }) => ({
      version,
      envelope,
      bytes: bytes.toString('base64'),
    }));
    writeFileSync(placePath, JSON.stringify({ ...words, releases: sent }));
    return [...runtimeWords('node'), join(import.meta.dirname, 'update-often.ts'), placePath];
  },
  cutsMax: Number(cutsText),
  seed: Number(seedText),
  check,
});
writeSync(1, `${JSON.stringify({ cuts, ...found, syncs, healthy: newest(said, 'healthy') })}\n`);
process.exit(0);
