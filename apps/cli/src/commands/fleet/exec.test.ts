import type { Heartbeat } from '@kanade/shared/fleet';
import { describe, expect, it } from 'vitest';
import { waitFor } from './exec.ts';

type Library = Parameters<typeof waitFor>[0];
type Wait = Parameters<typeof waitFor>[1];

const ordered = {
  jobId: 'j',
  version: '1',
  execId: 'e',
  requestId: 'r',
  subjects: [],
  timeoutMs: 1,
} as unknown as Wait['ordered'];
const agent = (pc_id: string) => ({ pc_id }) as Heartbeat;
const result = (pc_id: string) => ({ pc_id, exit_code: 0, stdout: '', stderr: '', missingOutput: [] });

/** An order to all machines; results of these come, and after `heard` resolves the others are known. */
function order(results: readonly string[], heard: Promise<string[]>, limitMs = 60_000) {
  const stopped = Promise.withResolvers<void>();
  const library = {
    fleet: undefined,
    agentsOnline: async () => ({ agents: (await heard).map(agent), unreadable: 0, overflow: 0 }),
    async *followResults(_: unknown, { signal }: { signal: AbortSignal }) {
      const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      for (const pc of results) yield result(pc);
      await over;
      stopped.resolve();
      signal.throwIfAborted();
    },
  } as unknown as Library;
  const io = { stdout: () => {}, stderr: () => {}, env: {}, signal: new AbortController().signal };
  const answer = waitFor(library, { ordered, target: { kind: 'all' }, waitMs: limitMs }, { io });
  return { answer, stopped: stopped.promise };
}

describe('exec --all --wait', () => {
  it('ends when every machine that is online has answered, long before its time', async () => {
    const { answer, stopped } = order(['away', 'a', 'b'], Promise.resolve(['a', 'b']));
    await stopped;
    const { results, unanswered } = await answer;
    expect([(results as unknown[]).length, unanswered]).toEqual([3, undefined]);
  });

  it('names the machines that are online and have not answered when its time is over', async () => {
    expect(await order(['a'], Promise.resolve(['a', 'b']), 50).answer).toMatchObject({ unanswered: ['b'] });
  });

  it('goes on while not all machines can be known, and when nobody has answered', async () => {
    const forever = new Promise<string[]>(() => {});
    expect((await order(['a'], forever, 50).answer).unanswered).toBeUndefined();
    await expect(order([], Promise.resolve([]), 50).answer).rejects.toMatchObject({ code: 'no_result' });
  });

  it('a listening that fails leaves the order to its time', async () => {
    const { answer } = order(['a'], Promise.reject(new Error('no')), 50);
    expect((await answer).results).toHaveLength(1);
  });
});
