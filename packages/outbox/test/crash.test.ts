import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type OutboxEvent, openOutbox } from '@kanade/outbox';
import type { Runtime } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { startProgram } from './runtimes.ts';
import { tempDir } from './temp-dir.ts';

const kills = 20;
const seed = 20_260_101;

/** What the killed programs said, over all rounds. */
interface Oracle {
  readonly tried: Set<string>;
  readonly acknowledged: Set<string>;
  readonly delivered: Set<string>;
}

it(`loses nothing acknowledged and invents nothing over ${kills} kills`, { timeout: 120_000 }, async () => {
  const path = join(tempDir(), 'outbox.db');
  const oracle: Oracle = { tried: new Set(), acknowledged: new Set(), delivered: new Set() };
  const random = seeded(seed);
  for (let round = 0; round < kills; round++) {
    // One early, one late: while the file is made, in the first commit, in full run.
    const lines = Math.floor(2 + random() ** 3 * 3_000);
    await runUntilKilled({ runtime: round % 4 === 3 ? 'bun' : 'node', path, round, lines, oracle });
    expect(await audit(path, oracle), `seed ${seed}, round ${round}, killed at line ${lines}`).toEqual({
      lost: [],
      unknown: [],
      events: [],
    });
  }
  expect(oracle.acknowledged.size).toBeGreaterThan(100);
  expect(oracle.delivered.size).toBeGreaterThan(10);
});

async function runUntilKilled(run: { runtime: Runtime; path: string; round: number; lines: number; oracle: Oracle }) {
  const child = startProgram(run.runtime, 'enqueue-and-drain.ts', [run.path, String(run.round)]);
  const closed = once(child, 'close');
  let seen = 0;
  // What was said before the kill is still in the pipe and read to its end; a half line says nothing.
  for await (const line of createInterface({ input: child.stdout })) {
    const [step, id = ''] = line.split(' ');
    if (step === 't') run.oracle.tried.add(id);
    if (step === 'a') run.oracle.acknowledged.add(id);
    if (step === 'd') run.oracle.delivered.add(id);
    if (++seen === run.lines) child.kill('SIGKILL');
  }
  const [code, signal] = await closed;
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
}

async function audit(path: string, { tried, acknowledged, delivered }: Oracle) {
  const events: OutboxEvent[] = [];
  await using outbox = openOutbox({ path, onEvent: (event) => void events.push(event) });
  const present = new Set<string>();
  for (let after = 0; ; ) {
    const page = await outbox.list({ after, limit: 1_000 });
    for (const entry of page) present.add(entry.id);
    const last = page.at(-1);
    if (!last) break;
    after = last.cursor;
  }
  const lost = [...acknowledged].filter((id) => !present.has(id) && !delivered.has(id));
  const unknown = [...present].filter((id) => !tried.has(id));
  return { lost, unknown, events };
}

/** mulberry32: the same kills for the same seed. */
function seeded(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
