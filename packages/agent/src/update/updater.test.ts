import { eventually } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../config/logger.ts';
import type { Settings, WantedVersion } from '../machine/settings.ts';
import { type Attempt, createUpdater, dueOf, type InstallVersion } from './updater.ts';

const target = (version: string, jitterMs = 0): WantedVersion => ({ version, jitterMs });
const hour = 3_600_000;

describe('dueOf()', () => {
  const here = { version: '1.0.0', unable: undefined, quarantined: ['3.0.0'] };
  it.each([
    ['nothing is wanted', undefined, here, 'current'],
    ['what runs is wanted', target('1.0.0'), here, 'current'],
    ['another is wanted', target('2.0.0'), here, 'due'],
    ['one is wanted that was no good here', target('3.0.0'), here, 'quarantined'],
    ['this agent is no program of its own', target('2.0.0'), { ...here, unable: 'it is a script' }, 'unable'],
    ['it is none, and runs what is wanted', target('1.0.0'), { ...here, unable: 'it is a script' }, 'current'],
  ] as const)('when %s', (_, wanted, facts, kind) => {
    expect(dueOf(wanted, facts).kind).toBe(kind);
  });
});

interface Opened {
  readonly quarantined?: string[];
  readonly wanted?: WantedVersion;
  readonly proved?: Promise<void>;
}

/** An updater, and the hands that say what is wanted and what becomes of an attempt. */
function openUpdater({ quarantined = [], wanted, proved = Promise.resolve() }: Opened = {}) {
  const listeners = new Set<() => void>();
  const current = { target: wanted } as { target: WantedVersion | undefined } & Settings;
  const attempts: { version: string; signal: AbortSignal; end: (attempt: Attempt) => void }[] = [];
  const told: object[] = [];
  let online = Promise.withResolvers<void>();
  const install: InstallVersion = (version, { signal, onProgress }) => {
    const { promise, resolve, reject } = Promise.withResolvers<Attempt>();
    signal.addEventListener('abort', () => reject(signal.reason));
    onProgress({ state: 'fetching', fetched_bytes: 1, total_bytes: 2 });
    attempts.push({ version, signal, end: resolve });
    return promise;
  };
  let loads = 0;
  const updater = createUpdater({
    version: '1.0.0',
    boot: { unable: undefined, quarantined, begun: () => ({ [Symbol.dispose]: () => undefined }), proved },
    settings: {
      get current() {
        return current;
      },
      watch: (listener) => {
        const call = (): void => listener(current);
        listeners.add(call);
        return () => listeners.delete(call);
      },
    },
    load: async () => {
      loads++;
      return install;
    },
    untilOnline: () => online.promise,
    reach: () => ({ heard: undefined, beforeMs: undefined }),
    onChange: () => undefined,
    tell: (_, payload) => void told.push(payload),
    log: createLogger('silent', () => undefined),
  });
  onTestFinished(() => updater[Symbol.dispose]());
  updater.start();
  return {
    updater,
    attempts,
    told,
    loads: () => loads,
    want(next: WantedVersion | undefined) {
      current.target = next;
      for (const listener of listeners) listener();
    },
    cut: () => {
      online = Promise.withResolvers();
    },
    connect: () => online.resolve(),
    update: () => updater.told().update,
  };
}

describe('an agent that is to become another version', () => {
  it('installs it once the broker is there, and ends for it', async () => {
    const site = openUpdater();
    expect(site.updater.told()).toEqual({ target_version: '', update: { state: 'current' } });
    site.want(target('2.0.0'));
    expect(site.updater.pending).toBe('2.0.0');
    await eventually('it waits', () => site.update().state === 'waiting');
    expect(site.loads()).toBe(0);
    site.connect();
    const attempt = await eventually('an attempt', () => site.attempts[0]);
    expect(site.updater.told()).toMatchObject({
      target_version: '2.0.0',
      update: { state: 'fetching', version: '2.0.0', fetched_bytes: 1, total_bytes: 2 },
    });
    attempt.end({ kind: 'installed' });
    await site.updater.replaced;
    expect(site.update()).toEqual({ state: 'restarting', version: '2.0.0' });
    expect(site.told).toEqual([{ from: '1.0.0', version: '2.0.0', outcome: 'installed' }]);
    site.want(undefined); // too late: it stands there
    expect(site.update().state).toBe('restarting');
  });

  it('does nothing that is taken back while it waits, and says until when it does', async () => {
    const site = openUpdater({ wanted: target('2.0.0', hour) });
    site.connect();
    const { state, at } = site.update();
    expect(state).toBe('waiting');
    expect(Date.parse(at ?? '')).toBeLessThanOrEqual(Date.now() + hour);
    site.want(undefined);
    expect(site.updater.told()).toEqual({ target_version: '', update: { state: 'current' } });
    expect(site.updater.pending).toBeUndefined();
    expect(site.loads()).toBe(0);
  });

  it('drops a fetch for what is wanted instead, and carries out the last of several', async () => {
    const site = openUpdater({ wanted: target('2.0.0') });
    site.connect();
    const first = await eventually('the first attempt', () => site.attempts[0]);
    site.want(target('2.1.0', hour));
    site.want(target('2.2.0'));
    expect(first.signal.aborted).toBe(true);
    const second = await eventually('the other attempt', () => site.attempts[1]);
    expect(second.version).toBe('2.2.0');
    expect(second.signal.aborted).toBe(false);
    site.want(target('2.2.0')); // the same once more
    expect(second.signal.aborted).toBe(false);
    expect(site.attempts).toHaveLength(2);
  });

  it('goes on where the broker went in the middle', async () => {
    const site = openUpdater({ wanted: target('2.0.0') });
    site.connect();
    const first = await eventually('an attempt', () => site.attempts[0]);
    site.cut();
    first.end({ kind: 'away' });
    await eventually('it waits for the broker', () => site.update().code === 'away');
    expect(site.attempts).toHaveLength(1);
    site.connect();
    const second = await eventually('another attempt', () => site.attempts[1]);
    second.end({ kind: 'installed' });
    await site.updater.replaced;
  });

  it('waits until what runs has proved itself', async () => {
    const proof = Promise.withResolvers<void>();
    const site = openUpdater({ wanted: target('2.0.0'), proved: proof.promise });
    site.connect();
    expect(site.update().state).toBe('waiting');
    expect(site.loads()).toBe(0);
    proof.resolve();
    await eventually('an attempt', () => site.attempts[0]);
  });

  it.each(['refused', 'failed'] as const)('says why it was %s, once, and tries again later', async (kind) => {
    const site = openUpdater({ wanted: target('2.0.0') });
    site.connect();
    const attempt = await eventually('an attempt', () => site.attempts[0]);
    attempt.end({ kind, code: 'no_good', reason: 'it is no good' });
    await eventually('it says so', () => site.update().state === kind);
    expect(site.update()).toMatchObject({ version: '2.0.0', code: 'no_good', reason: 'it is no good' });
    expect(Date.parse(site.update().at ?? '')).toBeGreaterThan(Date.now());
    expect(site.told).toEqual([
      { from: '1.0.0', version: '2.0.0', outcome: kind, code: 'no_good', reason: 'it is no good' },
    ]);
    expect(site.updater.pending).toBe('2.0.0');
  });

  it('fetches no version that was no good here', () => {
    const site = openUpdater({ quarantined: ['2.0.0'], wanted: target('2.0.0') });
    site.connect();
    expect(site.updater.told()).toMatchObject({
      target_version: '2.0.0',
      update: { state: 'quarantined', version: '2.0.0' },
      quarantined_versions: ['2.0.0'],
    });
    expect(site.updater.pending).toBeUndefined();
    expect(site.loads()).toBe(0);
  });

  it('fetches it after all when it was not to blame', async () => {
    const quarantined = ['2.0.0'];
    const site = openUpdater({ quarantined, wanted: target('2.0.0') });
    site.connect();
    site.updater.again();
    expect([site.update().state, site.updater.pending]).toEqual(['quarantined', undefined]);
    quarantined.pop();
    site.updater.again();
    expect((await eventually('an attempt', () => site.attempts[0])).version).toBe('2.0.0');
    site.updater.again(); // it is under way
    expect(site.attempts).toHaveLength(1);
  });
});
