import { join } from 'node:path';
import { expect, it } from 'vitest';
import { killRounds } from './kill-rounds.ts';
import { tempDir } from './temp-dir.ts';

const kills = 100;
const seed = 20_260_101;

it(`loses nothing acknowledged and invents nothing over ${kills} kills`, { timeout: 300_000 }, async () => {
  const path = join(tempDir(), 'outbox.db');
  const tally = await killRounds({ path, kills, seed, runtimes: ['node', 'node', 'bun', 'bun'] });
  expect(tally, `seed ${seed}, kill ${tally.kills}`).toMatchObject({ kills, lost: [], unknown: [], events: [] });
  expect(tally.acknowledged).toBeGreaterThan(1_000);
  expect(tally.delivered).toBeGreaterThan(100);
});
