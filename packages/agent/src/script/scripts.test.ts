import { createHash } from 'node:crypto';
import type { Command } from '@kanade/shared/fleet';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../config/logger.ts';
import type { Run } from '../run/model.ts';
import type { ScriptFault } from './script-fault.ts';
import { createScripts, type ScriptSource } from './scripts.ts';

const text = 'echo from afar';
const sha256 = createHash('sha256').update(text).digest('hex');
const away: ScriptFault = { kind: 'fault', reason: 'away' };

function runOf(more: Partial<Command>, origin: Run['origin'] = 'fleet'): Run {
  const command: Command = {
    id: 'j',
    version: '1',
    request_id: 'r',
    shell: 'sh',
    script: '',
    timeout_secs: 1,
    ...more,
  };
  return { runId: 'run', pcId: 'pc', requestId: 'r', execId: null, origin, owner: null, command };
}
const objectRun = (origin?: Run['origin']): Run =>
  runOf({ script_object: 'a/1', script_object_sha256: sha256.toUpperCase() }, origin);

/** Scripts in memory, and a broker that answers one fetch after the other with what is given. */
function openScripts(answers: (Uint8Array | ScriptFault)[]) {
  const kept = new Map<string, Buffer>();
  const online = Promise.withResolvers<void>();
  const asked: string[] = [];
  const held: string[] = [];
  const source: ScriptSource = {
    digest: async () => away,
    async fetch(name) {
      asked.push(name);
      const answer = answers.shift() ?? away;
      return answer instanceof Uint8Array ? { kind: 'fetched', bytes: answer } : answer;
    },
    untilOnline: () => online.promise,
  };
  const scripts = createScripts({
    cache: {
      read: (hash) => kept.get(hash),
      keep: (hash, bytes) => Boolean(kept.set(hash, Buffer.from(bytes))),
      hold: (hash) => {
        held.push(hash);
        return { [Symbol.dispose]: () => void held.splice(held.indexOf(hash), 1) };
      },
    },
    source: () => source,
    log: createLogger('silent', () => undefined),
  });
  return { scripts, kept, asked, held, online };
}

const never = new AbortController().signal;

describe('createScripts()', () => {
  it('has nothing to do with a script that stands in its order', async () => {
    const { scripts, asked, held } = openScripts([]);
    const run = runOf({ script: 'true', script_object: '' });
    expect('gate' in (await scripts.hold(run, never))).toBe(false);
    expect([scripts.textOf(run.command), asked, held]).toEqual(['true', [], []]);
  });

  it('fetches once for all who want it at the same time, and not again', async () => {
    const { scripts, asked, held } = openScripts([Buffer.from(text)]);
    const holds = await Promise.all(Array.from({ length: 50 }, () => scripts.hold(objectRun(), never)));
    expect(asked).toEqual(['a/1']);
    expect(scripts.textOf(objectRun().command)).toBe(text);
    for (const hold of [...holds, await scripts.hold(objectRun(), never)]) (hold as Disposable)[Symbol.dispose]();
    expect([asked, held]).toEqual([['a/1'], []]);
  });

  it('gives an order time for a broker that is away, and a person an answer', async () => {
    const { scripts, online, held } = openScripts([away, away, Buffer.from(text)]);
    expect(await scripts.hold(objectRun('local'), never)).toMatchObject({
      gate: 'no_exit_code',
      message: expect.stringContaining('the broker cannot be reached'),
    });
    expect(held).toEqual([]);
    const waiting = scripts.hold(objectRun(), never);
    online.resolve();
    expect('gate' in (await waiting)).toBe(false);
  });

  it('ends with the signal of a run that is stopped meanwhile', async () => {
    const { scripts, asked, held } = openScripts([away]);
    const stop = new AbortController();
    const waiting = scripts.hold(objectRun(), stop.signal);
    stop.abort(new Error('stopped'));
    await expect(waiting).rejects.toThrow('stopped');
    await expect(scripts.hold(objectRun(), stop.signal)).rejects.toThrow('stopped');
    expect([asked.length, held]).toEqual([1, []]);
  });

  it('keeps a mark at the beginning, refuses what is no UTF-8, and what is gone at the launch', async () => {
    const bytes = Buffer.from('\ufeffecho');
    const hash = createHash('sha256').update(bytes).digest('hex');
    const { scripts, kept } = openScripts([bytes, Buffer.from([0xff, 0xfe])]);
    const marked = runOf({ script_object: 'b/1', script_object_sha256: hash });
    await scripts.hold(marked, never);
    expect(scripts.textOf(marked.command)).toBe('\ufeffecho');
    const refused = { gate: 'no_exit_code', message: expect.stringContaining('script a/1 is no UTF-8') };
    expect(await scripts.hold(objectRun(), never)).toMatchObject(refused);
    kept.clear();
    expect(scripts.textOf(marked.command)).toMatchObject({ message: expect.stringContaining('changed right before') });
  });
});
