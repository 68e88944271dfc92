import { join } from 'node:path';
import { hashCode } from '@kanade/fleet/support';
import type { SupportCode } from '@kanade/shared/fleet';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSupport } from '../src/local/support.ts';
import { openAttempts } from '../src/store/attempts.ts';
import { openStateFile } from '../src/store/state-file.ts';

const [blue, red] = await Promise.all([hashCode('blue-horse'), hashCode('red-horse')]);
const codes: SupportCode[] = [
  { scope: 'off', hash: blue, disabled: true },
  { scope: 'empty', hash: '' },
  { scope: 'helpdesk', hash: blue, label: 'Help desk', ttl_minutes: 30 },
  { scope: 'admin', hash: red, ttl_minutes: 100_000 },
];

async function openDesk() {
  const dir = await tempDir();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const told: [string, object][] = [];
  const clock = { ms: 1000 };
  const open = () => {
    const file = openStateFile(join(dir.path, 'agent.db'));
    const tell = (kind: string, payload: object): void => void told.push([kind, payload]);
    const attempts = openAttempts(file);
    return { file, support: createSupport({ attempts, codes: () => codes, tell, clockMs: () => clock.ms }) };
  };
  return { open, told, clock };
}

describe('support codes', () => {
  it('open the scope of the code for the one who said it, until its time is over', async () => {
    const { open, told, clock } = await openDesk();
    await using file = open().file;
    const support = createSupport({
      attempts: openAttempts(file),
      codes: () => codes,
      tell: (kind, payload) => void told.push([kind, payload]),
      clockMs: () => clock.ms,
    });
    const grants = await support.unlock('uid-1', 'blue-horse');
    expect(grants).toEqual([{ scope: 'helpdesk', label: 'Help desk', expires_at: expect.any(String) }]);
    expect(support.grants('uid-2')).toEqual([]);
    await support.unlock('uid-1', 'red-horse');
    expect([...support.scopes('uid-1')]).toEqual(['helpdesk', 'admin']);
    clock.ms += 30 * 60_000;
    expect([...support.scopes('uid-1')]).toEqual(['admin']); // 480 minutes, whatever was asked for
    clock.ms += 449 * 60_000;
    expect([...support.scopes('uid-1')]).toEqual(['admin']);
    clock.ms += 60_000;
    expect(support.grants('uid-1')).toEqual([]);
    await support.unlock('uid-1', 'ｂｌｕｅ－ｈｏｒｓｅ'); // as an input method writes it
    expect(support.lock('uid-1')).toBe(1);
    expect(support.lock('uid-1')).toBe(0);
    expect(told.map(([kind]) => kind)).toEqual(['support_unlock', 'support_unlock', 'support_unlock', 'support_lock']);
    expect(JSON.stringify(told)).not.toContain('horse');
  });

  it('five wrong ones lock a user out, in every agent that comes after; others are not', async () => {
    const { open, told } = await openDesk();
    const first = open();
    // Together: none of them is a try more.
    const tries = await Promise.allSettled(
      Array.from({ length: 5 }, (_, count) => first.support.unlock('uid-1', `guess-${count}`)),
    );
    expect(new Set(tries.map((one) => one.status === 'rejected' && String(one.reason)))).toEqual(
      new Set(['KlpError: Unauthorized: this code opens nothing']),
    );
    await expect(first.support.unlock('uid-1', 'blue-horse')).rejects.toMatchObject({ kind: 'RateLimit' });
    await first.file[Symbol.asyncDispose]();
    const second = open();
    await expect(second.support.unlock('uid-1', 'blue-horse')).rejects.toMatchObject({
      kind: 'RateLimit',
      message: expect.stringMatching(/try again in [45] min/),
    });
    expect(await second.support.unlock('uid-2', 'blue-horse')).toHaveLength(1);
    await second.file[Symbol.asyncDispose]();
    expect(told.filter(([kind]) => kind === 'support_unlock_failed')).toHaveLength(7);
  });
});
