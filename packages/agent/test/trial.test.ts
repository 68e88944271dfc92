/** A version on trial that works: whether it reaches its broker, and who was to blame when it did not. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outbox } from '@kanade/outbox';
import { releasePlatformOf, writeReleaseKeys } from '@kanade/shared/release';
import { tempDir } from '@kanade/testkit';
import { createReleaseKey, openReleaseKey, openUpdates, signRelease } from '@kanade/update';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { type Boot, beginBoot, mustBeHeard, type Reach, tellOfRollback, updateDir } from '../src/update/boot.ts';

const [before, next] = ['99.0.0', '99.1.0'] as const;
const trialMs = 1_000;
const log = createLogger('silent', () => undefined);

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

/** A program that has just been replaced by its next version. */
async function replaced(root: string) {
  const program = join(root, 'bin/kanade');
  for (const name of ['bin', 'share']) mkdirSync(join(root, name));
  const text = (version: string): string => `#!/bin/sh\necho ${version}\n`;
  writeFileSync(program, text(before), { mode: 0o755 });
  const { trusted, path } = createReleaseKey({ dir: join(root, 'keys'), keyid: 'release' });
  const keysFile = join(root, 'share/release-keys.json');
  writeFileSync(keysFile, writeReleaseKeys([trusted]), { mode: 0o644 });
  const bytes = Buffer.from(text(next));
  const platform = releasePlatformOf(process.platform, process.arch);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const signed = signRelease(
    {
      ...{ kind: 'kanade.release.v1', version: next, version_floor: '0.0.1', revoked_keys: [] },
      ...{ released_at: new Date().toISOString(), expires_at: new Date(Date.now() + 86_400_000).toISOString() },
      files: [{ name: 'kanade', kind: 'executable', platform, bytes: bytes.length, sha256 }],
    },
    [openReleaseKey(path)],
  );
  const updates = openUpdates({ dir: updateDir(root), program, version: before, keysFile });
  async function* parts() {
    yield bytes;
  }
  await updates.install(updates.accept(signed), { bytes: parts() });
  return {
    runs: () => (readFileSync(program, 'utf8') === text(next) ? next : before),
    quarantined: () => updates.standing().quarantined.map(({ version, reason }) => [version, reason]),
    trial: () => updates.standing().trial?.starts,
    async begin(version: string) {
      const boot = await beginBoot({
        program: { kind: 'executable', path: program },
        ...{ version, dataDir: root, trialMs, log },
      });
      if (boot === 'restart') throw new Error('it was started too often');
      return boot;
    },
  };
}

/** Stands with its broker as the test says; the version before it had one until now, unless said otherwise. */
function reaching(over: Partial<Reach> = {}) {
  const [heard, onBack] = [Promise.withResolvers<void>(), vi.fn()];
  return { hear: heard.resolve, onBack, reach: { heard: heard.promise, beforeMs: Date.now(), onBack, ...over } };
}

async function isProved(boot: Boot): Promise<boolean> {
  await Promise.resolve();
  return Promise.race([boot.proved.then(() => true), Promise.resolve().then(() => Promise.resolve(false))]);
}

describe('a version on trial that works', () => {
  it('stays once its broker has heard of it, and not before', async () => {
    await using root = await tempDir();
    const place = await replaced(root.path);
    for (let start = 1; start <= 4; start++) {
      const boot = await place.begin(next);
      const { reach, hear, onBack } = reaching();
      using _ = boot.begun(reach);
      await vi.advanceTimersByTimeAsync(trialMs);
      expect(await isProved(boot)).toBe(false);
      expect(place.trial()).toBe(1); // it does not crash: the machine may be switched off as often as it likes
      if (start < 4) continue;
      hear();
      await boot.proved;
      await vi.advanceTimersByTimeAsync(9 * trialMs);
      expect([place.runs(), place.trial(), onBack.mock.calls.length]).toEqual([next, undefined, 0]);
    }
  });

  it('is on trial until it has worked, though its broker has heard of it', async () => {
    await using root = await tempDir();
    const place = await replaced(root.path);
    const boot = await place.begin(next);
    const { reach, hear } = reaching();
    using _ = boot.begun(reach);
    hear();
    await vi.advanceTimersByTimeAsync(trialMs - 1);
    expect(await isProved(boot)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect([await isProved(boot), place.trial()]).toEqual([true, undefined]);
  });

  it.each([
    ['there is none', { heard: undefined }],
    ['the version before did not reach it either', { beforeMs: Date.now() - 3_600_000 }],
    ['nobody here ever did', { beforeMs: undefined }],
  ])('stays without its broker where %s', async (_, over) => {
    await using root = await tempDir();
    const place = await replaced(root.path);
    const boot = await place.begin(next);
    using _begun = boot.begun(reaching(over).reach);
    await vi.advanceTimersByTimeAsync(trialMs);
    await boot.proved;
    expect([place.runs(), place.trial()]).toEqual([next, undefined]);
  });
});

describe('a version on trial that does not reach its broker', () => {
  /** The version before it again, and what it tells. */
  async function putBack(root: string) {
    const place = await replaced(root);
    const { reach, onBack } = reaching();
    const failed = await place.begin(next);
    using _ = failed.begun(reach);
    await vi.advanceTimersByTimeAsync(4 * trialMs);
    expect([onBack.mock.calls.length, place.runs()]).toEqual([1, before]);
    expect(place.quarantined()).toEqual([[next, 'unreachable']]);
    const boot = await place.begin(before);
    const records: object[] = [];
    const outbox: Pick<Outbox, 'enqueue'> = {
      async enqueue({ body }) {
        records.push(JSON.parse(Buffer.from(body).toString()).payload);
        return { kind: 'queued' };
      },
    };
    const told = tellOfRollback(boot, { pcId: 'pc-1', outbox, log });
    return { ...place, boot, told, records };
  }
  const event = { from: before, version: next, outcome: 'rolled_back', code: 'unreachable' };

  it('is put back, and to blame where the version before reaches it', async () => {
    await using root = await tempDir();
    const { boot, told, records, begin, quarantined } = await putBack(root.path);
    const { reach, hear } = reaching();
    using _ = boot.begun(reach);
    expect(records).toEqual([]);
    hear();
    await told;
    await vi.advanceTimersByTimeAsync(9 * trialMs);
    expect(records).toMatchObject([event]);
    expect([boot.quarantined, quarantined()]).toEqual([[next], [[next, 'unreachable']]]);
    expect((await begin(before)).rolledBack).toBeUndefined();
  });

  it('is put back, and taken again where the version before does not reach it either', async () => {
    await using root = await tempDir();
    const { boot, told, records, begin, quarantined } = await putBack(root.path);
    const { reach, hear } = reaching();
    using _ = boot.begun(reach);
    await vi.advanceTimersByTimeAsync(trialMs);
    await told;
    hear();
    expect(records).toMatchObject([event]);
    expect([boot.quarantined, quarantined()]).toEqual([[], []]);
    expect((await begin(before)).rolledBack).toBeUndefined();
  });
});

it.each([
  ['reached in the moment of the exchange', 0, true],
  ['reached a while before', -4_000, true],
  ['away for longer', -4_001, false],
  ['away for ever', undefined, false],
])('a broker that was %s: %s ms', (_, sinceMs, isDue) => {
  const at = '2026-11-10T00:00:00Z';
  const beforeMs = sinceMs === undefined ? undefined : Date.parse(at) + sinceMs;
  const heard = Promise.resolve();
  expect(mustBeHeard({ heard, beforeMs }, at, 4_000)).toBe(isDue);
  expect(mustBeHeard({ heard: undefined, beforeMs }, at, 4_000)).toBe(false);
});
