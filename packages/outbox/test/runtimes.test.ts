import { once } from 'node:events';
import { join } from 'node:path';
import { openOutbox } from '@kanade/outbox';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runProgram, startProgram } from './runtimes.ts';
import { tempDir } from './temp-dir.ts';

describe.each(['node', 'bun'] as const)('on %s', (runtime) => {
  it('the core behaves the same', () => {
    const ran = runProgram(runtime, 'core.ts', [tempDir()]);
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toEqual({
      group: [{ kind: 'queued' }, { kind: 'duplicate' }, 'id_conflict', { kind: 'queued' }],
      secondDrainer: [{ delivered: 2, failed: 0, quarantined: 0 }, 'drainer_exists'],
      delivered: ['empty::{}', 'a:one:{"a":"1","b":"2"}'],
      poison: { delivered: 0, failed: 1, quarantined: 1 },
      quarantined: [{ id: 'poison', attempts: 1, reason: 'Error: no' }],
      replayed: 1,
      dropped: 1,
      joined: ['COMMIT'],
      undone: 'Error: ROLLBACK',
      count: { records: 1, bytes: 15 },
      salvaged: { records: 0, lostRecords: null },
    });
  });

  it('a drainer keeps others out until it is killed', async () => {
    const path = join(tempDir(), 'outbox.db');
    const holder = startProgram(runtime, 'hold-drainer.ts', [path]);
    const closed = once(holder, 'close');
    // It drains for ever: a failure below must not leave it behind.
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    await using outbox = openOutbox({ path });
    const drain = () => outbox.drain({ until: 'idle', deliver: async () => {} });
    await expect(drain()).rejects.toMatchObject({ code: 'drainer_exists' });
    holder.kill('SIGKILL');
    await closed;
    await expect(drain()).resolves.toMatchObject({ failed: 0 });
  });
});
