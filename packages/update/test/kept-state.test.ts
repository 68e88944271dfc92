/** What every release has left in its directory, and what this version would leave: a later one goes by it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keptStates } from '@kanade/testkit';
import { openUpdates } from '@kanade/update';
import { beginStart } from '@kanade/update/boot';
import { expect, it } from 'vitest';

it.each(keptStates(import.meta.dirname))(
  'what version $version has left is what a later one goes by',
  async ({ unpack }) => {
    await using kept = await unpack();
    const bin = join(kept.path, '../bin');
    mkdirSync(bin);
    for (const name of ['app', 'app.old']) writeFileSync(join(bin, name), name);
    const program = join(bin, 'app');
    const place = { dir: kept.path, program, version: '1.3.0' };
    const updates = openUpdates({ ...place, keysFile: '' });
    expect(updates.standing()).toMatchObject({
      accepted: { released_at: '2026-11-06T00:00:00Z', version_floor: '1.0.0', revoked_keys: ['taken-back'] },
      quarantined: [{ version: '1.2.0', reason: 'unhealthy' }],
      trial: { from: '1.0.0', version: '1.3.0', starts: 2 },
    });
    expect(beginStart(place)).toMatchObject({ kind: 'run', trial: { start: 3 } });
    expect(beginStart(place)).toEqual({ kind: 'restart', quarantined: ['1.3.0'] });
    expect(beginStart({ ...place, version: '1.0.0' })).toMatchObject({
      ...{ kind: 'run', rolledBack: { from: '1.0.0', version: '1.3.0', reason: 'unhealthy' } },
    });
  },
);
