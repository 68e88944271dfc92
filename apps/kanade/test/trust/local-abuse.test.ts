/** What one user can do to the local socket, and what another then still has of the agent. `KANADE_TRUST_ROUNDS=5` makes 10,000 attempts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { eventually } from '@kanade/testkit';
import { beforeAll, expect, it } from 'vitest';
import { openHouse } from './house.ts';
import { needRoot, rounds } from './site.ts';

beforeAll(needRoot);

const [ann, bob] = [61_031, 61_032];
const attempts = rounds(2_000);
/** Connections of one user (`packages/klp`: `connectionsPerUserMax`). */
const perUserMax = 64;

/** Whoever asks for the log gets as much of it as anybody does: what is not read piles up. */
const longLog = `${JSON.stringify({ level: 30, time: '2026-01-01T00:00:00.000Z', msg: 'x'.repeat(150) })}\n`.repeat(
  2_000,
);

const megabytesOf = (pid: number, what: 'VmHWM' | 'VmRSS'): number =>
  Number(new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
const socketsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

it('frames of nonsense, single bytes, cancels, idle and slow peers of one user: the agent is bounded, and another user is answered', async () => {
  await using house = await openHouse(
    { ann, bob },
    { log: longLog, prepare: ({ offer }) => offer('own', 'echo done') },
  );
  const pid = house.agent.child.pid ?? 0;
  const honest = await house.enter(bob);
  await honest.ask('jobs.subscribe');
  const alone = await timesOf(5, () => honest.ask('system.ping'));
  const before = { megabytes: megabytesOf(pid, 'VmRSS'), sockets: socketsOf(pid) };

  const words = [`${import.meta.dirname}/abuser.cjs`, house.site.socket, '7', String(attempts), String(perUserMax)];
  const abuser = spawn(process.execPath, words, { uid: ann, gid: ann, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] });
  const said: Record<string, unknown>[] = [];
  createInterface(abuser.stdout).on('line', (line) => said.push(JSON.parse(line)));
  const over = once(abuser, 'close');
  let meanwhile: number[] = [];
  try {
    // Their rate has room for so many; each is answered, whatever goes on beside it.
    meanwhile = await timesOf(40, async () => {
      expect((await honest.ask('system.ping')).error).toBeUndefined();
    });
    const { result, error } = await honest.ask('jobs.execute', { id: 'own' });
    expect(error).toBeUndefined();
    await eventually('the run of the other user', () =>
      honest.heard.some(({ params }) => params?.run_id === result?.run_id && params?.status === 'completed'),
    );
    await over;
  } finally {
    abuser.kill('SIGKILL');
  }

  expect(said).toEqual([
    { name: 'byteByByte', answers: 2 },
    { name: 'cancels', requests: 25, answers: 25, ids: 25 },
    { name: 'fuzz', connections: Math.ceil(attempts / 20) },
    { name: 'idle', attempts, refused: expect.any(Number), held: expect.any(Number) },
  ]);
  const { refused, held } = said.at(-1) as { refused: number; held: number };
  expect(held).toBeLessThanOrEqual(perUserMax);
  expect(refused + held).toBe(attempts);

  await eventually('nothing of it is held any more', () => socketsOf(pid) <= before.sockets);
  const after = { megabytes: megabytesOf(pid, 'VmRSS'), most: megabytesOf(pid, 'VmHWM') };
  // Generous: what each of its 64 connections may queue is far above what they did.
  expect(after.most).toBeLessThan(before.megabytes + 256);
  expect((await honest.ask('system.ping')).error).toBeUndefined();
  const figures = { attempts, refused, held, before_mb: before.megabytes, ...after, alone, meanwhile };
  if (process.env.KANADE_FIGURES) writeFileSync(process.env.KANADE_FIGURES, JSON.stringify(figures));
});

/** How long each of so many took, in ms: for the benchmark `klp:abuse`; no test looks at it. */
async function timesOf(count: number, ask: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let asked = 0; asked < count; asked++) {
    const startedMs = performance.now();
    await ask();
    times.push(performance.now() - startedMs);
  }
  return times;
}
