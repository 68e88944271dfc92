/** Programs that enqueue and drain, killed with SIGKILL at random, and an oracle that heard what they said before. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type OutboxEvent, openOutbox } from '@kanade/outbox';
import { type Runtime, seeded } from '@kanade/testkit';
import { startProgram } from './runtimes.ts';

export interface Tally {
  readonly kills: number;
  readonly acknowledged: number;
  readonly delivered: number;
  /** Acknowledged, and neither stored nor given to `deliver`. */
  readonly lost: readonly string[];
  /** Given to `deliver` again after a kill: at least once, not exactly once. */
  readonly duplicated: number;
  /** Stored or delivered, but never given to `enqueue`. */
  readonly unknown: readonly string[];
  /** Anything an audit had to report, such as a salvage. */
  readonly events: readonly OutboxEvent[];
}

/** So that what is stored, and has to be looked through after every kill, stays small. */
const storeKills = 25;

interface Oracle {
  readonly tried: Set<string>;
  readonly acknowledged: Set<string>;
  readonly delivered: Set<string>;
  duplicated: number;
}

interface Options {
  readonly path: string;
  readonly kills: number;
  readonly seed: number;
  readonly runtimes: readonly Runtime[];
}

/** Kills until `kills` are reached or something is wrong; every `storeKills` a new store begins. */
export async function killRounds({ path, kills, seed, runtimes }: Options): Promise<Tally> {
  const random = seeded(seed);
  const sum = { kills: 0, acknowledged: 0, delivered: 0, duplicated: 0 };
  for (;;) {
    const store = `${path}-${sum.kills}`;
    const oracle: Oracle = { tried: new Set(), acknowledged: new Set(), delivered: new Set(), duplicated: 0 };
    for (let round = 0; round < storeKills; round++) {
      // Some early, some late: while the file is made, in the first commit, in full run.
      const lines = Math.floor(2 + random() ** 3 * 1_500);
      const runtime = runtimes[sum.kills % runtimes.length] ?? 'node';
      await runUntilKilled(oracle, { path: store, round, lines, runtime });
      sum.kills++;
      const found = await audit(store, oracle);
      const isWrong = found.lost.length + found.unknown.length + found.events.length > 0;
      if (!isWrong && sum.kills < kills && round + 1 < storeKills) continue;
      sum.acknowledged += oracle.acknowledged.size;
      sum.delivered += oracle.delivered.size;
      sum.duplicated += oracle.duplicated;
      if (isWrong || sum.kills >= kills) return { ...sum, ...found };
    }
  }
}

async function runUntilKilled(
  oracle: Oracle,
  { runtime, path, round, lines }: { runtime: Runtime; path: string; round: number; lines: number },
): Promise<void> {
  const child = startProgram(runtime, 'enqueue-and-drain.ts', [path, String(round)]);
  const closed = once(child, 'close');
  let seen = 0;
  // What was said before the kill is still in the pipe and read to its end; a half line says nothing.
  for await (const line of createInterface({ input: child.stdout })) {
    const [step, id = ''] = line.split(' ');
    if (step === 't') oracle.tried.add(id);
    if (step === 'a') oracle.acknowledged.add(id);
    if (step === 'd' && oracle.delivered.has(id)) oracle.duplicated++;
    if (step === 'd') oracle.delivered.add(id);
    if (++seen === lines) child.kill('SIGKILL');
  }
  const [code, signal] = await closed;
  if (signal !== 'SIGKILL') throw new Error(`the program ended by itself in round ${round}: ${code}`);
}

/** What the file holds now, against what the oracle heard. */
export async function audit(
  path: string,
  { tried, acknowledged, delivered }: Omit<Oracle, 'duplicated'>,
): Promise<Pick<Tally, 'lost' | 'unknown' | 'events'>> {
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
  const unknown = [...present, ...delivered].filter((id) => !tried.has(id));
  return { lost, unknown, events };
}
