/*
 * Kills processes that install, put back or become healthy, by SIGKILL at random moments: `kill-updates.ts <directory> <kills> <seed>`.
 * Prints one line of JSON.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '@kanade/testkit';
import { beginStart } from '@kanade/update/boot';
import { onTrial, type Place, prepare, settle } from '../lives.ts';

const [, , directory = '', killsText = '', seedText = ''] = process.argv;
const random = seeded(Number(seedText));
/** As large as it takes for its writing and hashing to be hit, too. */
const filler = `# ${'k'.repeat(8 * 1024 * 1024)}`;

/** What is killed, in which life, and how long such a life is behind its first word, in ms. */
const acts = [
  { act: 'install', version: '1.0.0', healthy: true, lifeMs: 120 },
  { act: 'install', version: '1.0.0', healthy: false, lifeMs: 120 },
  { act: 'begin', version: '1.2.0', healthy: false, lifeMs: 12 },
  { act: 'healthy', version: '1.2.0', healthy: true, lifeMs: 12 },
] as const;

const tally = { killed: 0, over: 0, old: 0, new: 0, broken: [] as string[] };
const at: Record<string, number> = {};

/** Killed behind its first word; the last one it said, and whether it came to its end before. */
async function live(place: Place, { act, version, lifeMs }: (typeof acts)[number]): Promise<string> {
  const [command = '', ...args] = place.words(version, act);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  const ended = once(child, 'close');
  await new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      resolve();
    });
    child.on('close', () => resolve());
  });
  await sleep(random() * lifeMs);
  child.kill('SIGKILL');
  await ended;
  return said.trimEnd().split('\n').at(-1) ?? '';
}

for (let round = 0; tally.killed < Number(killsText); round++) {
  const root = join(directory, String(round));
  mkdirSync(root);
  const act = acts[round % acts.length] as (typeof acts)[number];
  const place = act.act === 'install' ? prepare(root, filler) : await onTrial(root, filler);
  if (act.act === 'begin') for (let start = 0; start < 3; start++) beginStart({ ...place.start, version: act.version });
  const last = await live(place, act);
  if (last === 'over') tally.over++;
  else {
    tally.killed++;
    at[`${act.act} ${last}`] = (at[`${act.act} ${last}`] ?? 0) + 1;
  }
  try {
    tally[(await settle(place, act.healthy)) === '1.0.0' ? 'old' : 'new']++;
  } catch (error) {
    tally.broken.push(`${root}: ${act.act} ${last}: ${(error as Error).message}`);
  }
  rmSync(root, { recursive: true });
}
writeSync(1, `${JSON.stringify({ ...tally, at })}\n`);
