import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openOutbox } from '@kanade/outbox';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { createIntake } from '../src/intake/admit.ts';
import type { KeyRing } from '../src/intake/key-ring.ts';
import { createVerifier } from '../src/intake/verify.ts';
import { limits } from '../src/limits.ts';
import { refusedResult } from '../src/report/refused.ts';
import { createReport } from '../src/report/report.ts';
import type { Delivery, Run } from '../src/run/model.ts';
import { openLedger } from '../src/store/ledger.ts';
import { openStateFile } from '../src/store/state-file.ts';

const order = {
  id: 'job',
  version: '1',
  request_id: 'r1',
  exec_id: 'e1',
  shell: 'sh',
  script: 'true',
  timeout_secs: 5,
};

async function openAdmit({ onBegin = () => {}, hasRoom = (_run: Run): boolean => true } = {}) {
  const dir = await tempDir();
  const path = join(dir.path, 'agent.db');
  const file = openStateFile(path);
  const outbox = openOutbox({ durable: file });
  const ledger = openLedger({ file, outbox });
  let current = ledger;
  const started: string[] = [];
  let isBehind = false;
  const events: string[] = [];
  const log = createLogger('silent', () => undefined);
  const ring: { current: KeyRing } & Disposable = { current: { kind: 'absent' }, [Symbol.dispose]: () => {} };
  const { admit, take } = createIntake({
    pcId: 'pc-1',
    view: { filters: () => ['commands.pc.pc-1'] },
    ledger: {
      ...ledger,
      admit(run, arrival) {
        if (!hasRoom(run)) throw new Error('no room');
        return current.admit(run, arrival);
      },
    },
    begin({ run }) {
      started.push(run.requestId);
      onBegin();
    },
    isBehind: () => isBehind,
    verifier: createVerifier({ pcId: 'pc-1', ring, ledger, onEvent: (kind) => events.push(kind) }),
    reject: (command, reason) => ledger.answer(refusedResult(command, { pcId: 'pc-1', reason }, Date.now())),
    refuse: createReport({ ledger, log, signal: new AbortController().signal }).refuse,
    onEvent: (kind) => events.push(kind),
    log,
  });
  return {
    path,
    ledger,
    started,
    admit,
    /** So many runs as if they had been admitted and had ended, in an earlier life of the agent. */
    fill(origin: string, owner: string | null, count: number) {
      file.transact(({ sql }) => {
        const rows = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)';
        const name = `${origin}-${owner}-`;
        sql(
          `INSERT INTO run (run_id, pc_id, request_id, origin, owner, manifest_id, state)
           ${rows} SELECT ? || i, 'pc-1', ? || i, ?, ?, 'job', 'ended' FROM n`,
        ).run(count, name, name, origin, owner);
        sql(
          `INSERT INTO admission (pc_id, request_id, fingerprint, subject, body, run_id, admitted_at_ms)
           ${rows} SELECT 'pc-1', ? || i, '', ?, x'', ? || i, 0 FROM n`,
        ).run(count, name, origin, name);
      });
      current = openLedger({ file, outbox });
    },
    events,
    lock: (reason: string) => {
      ring.current = { kind: 'locked', reason };
    },
    outbox,
    take,
    fallBehind: () => {
      isBehind = true;
    },
    give: (value: unknown, more: Partial<Delivery> = {}) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      const bytes = value instanceof Uint8Array ? value : Buffer.from(text);
      return admit({ subject: 'commands.pc.pc-1', bytes, headers: {}, ...more }, null);
    },
    async [Symbol.asyncDispose]() {
      await outbox[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

describe('createIntake()', () => {
  it('answers what it does not obey without taking its request id, and once; what it took before is known', async () => {
    await using intake = await openAdmit();
    expect(intake.give(order)).toMatchObject({ kind: 'admitted' });
    intake.lock('it is empty');
    const refused = { ...order, request_id: 'r2' };
    const rejected = { kind: 'rejected', reason: expect.stringContaining('it is empty'), isTold: true };
    expect(intake.give(refused)).toEqual(rejected);
    expect(intake.give(refused)).toEqual(rejected);
    expect(intake.give(order)).toMatchObject({ kind: 'duplicate' });
    expect(intake.give({ kind: 'kanade.command.v2', command: { ...order, request_id: 'r3' } })).toEqual({
      ...rejected,
      isTold: false,
    });
    expect((await intake.outbox.count()).ready.records).toBe(1);
    expect(intake.started).toEqual(['r1']);
    expect(intake.events).toEqual(Array(4).fill('command_signature_invalid'));
  });

  it('has order and run on disk when it says admitted', async () => {
    await using intake = await openAdmit();
    expect(intake.give(order)).toMatchObject({
      kind: 'admitted',
      run: { requestId: 'r1', execId: 'e1', origin: 'fleet' },
    });
    const other = new DatabaseSync(intake.path, { readOnly: true });
    expect(other.prepare('SELECT state, manifest_id FROM run').all()).toEqual([
      { state: 'admitted', manifest_id: 'job' },
    ]);
    other.close();
    expect(intake.ledger.open()).toMatchObject([{ state: 'admitted', run: { command: order } }]);
  });

  const deliveryOf = (value: object): Delivery => ({
    subject: 'commands.pc.pc-1',
    bytes: Buffer.from(JSON.stringify(value)),
    headers: {},
  });
  const some = ['r1', 'r2', 'r3'].map((request_id) => ({ ...order, request_id }));

  it('puts orders that come together on disk before the first of them begins', async () => {
    const onDisk: number[] = [];
    let look = (): void => undefined;
    await using intake = await openAdmit({ onBegin: () => look() });
    using other = new DatabaseSync(intake.path, { readOnly: true });
    look = () => void onDisk.push(Number(other.prepare('SELECT count(*) AS runs FROM run').get()?.runs));
    expect(intake.take([...some, ...some.slice(1)].map(deliveryOf))).toBe(true);
    expect(intake.started).toEqual(['r1', 'r2', 'r3']);
    expect(onDisk).toEqual([3, 3, 3]);
  });

  it('takes each alone of those that cannot be put on disk together, and begins none twice', async () => {
    await using intake = await openAdmit({ hasRoom: ({ requestId }) => requestId !== 'r2' });
    expect(intake.take(some.map(deliveryOf))).toBe(false);
    expect(intake.started).toEqual(['r1', 'r3']);
    expect(intake.events).toEqual(['command_admission_unavailable']);
    expect(new Set(intake.ledger.open().map(({ run }) => run.requestId))).toEqual(new Set(['r1', 'r3']));
  });

  it('knows an order again by its bytes, and refuses others under its id', async () => {
    await using intake = await openAdmit();
    const first = intake.give(order);
    expect(intake.give(order)).toEqual({ kind: 'duplicate', runId: first.kind === 'admitted' ? first.run.runId : '' });
    expect(intake.give({ ...order, script: 'false' })).toEqual({ kind: 'conflict', requestId: 'r1' });
    expect(intake.give({ ...order, request_id: 'r2' })).toMatchObject({ kind: 'admitted' });
    expect(intake.ledger.open()).toHaveLength(2);
  });

  it.each([
    ['text', 'not json', /^not JSON/],
    ['bytes that are no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), /^not JSON/],
    ['a list', [], /order: /],
    ['a missing field', { ...order, shell: undefined }, /^shell: /],
    ['an unknown shell', { ...order, shell: 'fish' }, /^shell: /],
    ['a job id that no key can revoke', { ...order, id: '../job' }, /^id is no job id: "..\/job"/],
    ['a request id that is no subject', { ...order, request_id: 'a b' }, /^request_id cannot be answered: "a b"/],
    ['an exec id that is no subject', { ...order, exec_id: '>' }, /^exec_id cannot be used: ">"/],
    ['more bytes than a broker carries', { ...order, script: 'x'.repeat(1_100_000) }, /^the order is \d+ bytes/],
  ])('refuses %s with the reason and keeps nothing', async (_, value, reason) => {
    await using intake = await openAdmit();
    const admission = intake.give(value);
    expect(admission).toMatchObject({ kind: 'malformed', reason: expect.stringMatching(reason) });
    expect(intake.ledger.open()).toEqual([]);
  });

  it.each([
    ['a missing field', { ...order, shell: undefined }, 'shell: '],
    ['more bytes than a broker carries', { ...order, script: 'x'.repeat(1_100_000) }, 'the order is'],
    ['an exec id that is no subject', { ...order, exec_id: '>' }, 'exec_id cannot be used'],
  ])('answers %s with a result that says why, once, and never runs it', async (_, value, reason) => {
    await using intake = await openAdmit();
    expect(intake.give(value)).toMatchObject({ kind: 'malformed', isTold: true });
    expect(intake.give(value)).toMatchObject({ kind: 'duplicate' });
    expect(intake.give({ ...order, script: 'false' })).toMatchObject({ kind: 'conflict' });
    const results: { stderr?: string }[] = [];
    for await (const { body } of intake.outbox.export()) results.push(JSON.parse(Buffer.from(body).toString()));
    expect(results).toMatchObject([{ request_id: 'r1', exit_code: -1, ending: 'not_started', skipped: false }]);
    expect(results[0]?.stderr).toContain(reason);
    expect(intake.started).toEqual([]);
  });

  it.each([
    ['a kind beside the fields of a command', { ...order, kind: 'kanade.command.v9' }],
    ['a kind that is null', { ...order, kind: null }],
    ['a kind that is a list', { ...order, kind: ['kanade.command.v2'] }],
  ])('never runs %s as if it had none, tells the fleet, and leaves its request id to others', async (_, value) => {
    await using intake = await openAdmit();
    expect(intake.give(value)).toMatchObject({ kind: 'rejected', isTold: false });
    expect(intake.events).toEqual(['command_signature_invalid']);
    expect([intake.started, (await intake.outbox.count()).ready.records]).toEqual([[], 0]);
    expect(intake.give(order)).toMatchObject({ kind: 'admitted' });
  });

  it.each([
    ['not JSON', 'no'],
    ['no request id', JSON.stringify({ ...order, request_id: 7, shell: 1 })],
    ['a request id that is no subject', JSON.stringify({ ...order, request_id: 'a b' })],
  ])('tells the fleet of an order that it cannot answer: %s', async (_, text) => {
    await using intake = await openAdmit();
    expect(intake.take([{ subject: 'commands.pc.pc-1', bytes: Buffer.from(text), headers: {} }])).toBe(true);
    expect(intake.events).toEqual(['command_dropped']);
    expect(await intake.outbox.list()).toEqual([]);
  });

  it('never answers in the name of this machine what is meant for another', async () => {
    await using intake = await openAdmit();
    expect(intake.give({ ...order, shell: 1 }, { subject: 'commands.pc.pc-2' })).toMatchObject({ isTold: false });
    expect(await intake.outbox.list()).toEqual([]);
  });

  it('keeps an order as it was received, byte for byte, with what signs it', async () => {
    await using intake = await openAdmit();
    const text = `{ "job_id":"e1", ${JSON.stringify({ ...order, exec_id: undefined }).slice(1)}  `;
    const headers = { 'Kanade-Sig': 'x', 'Kanade-Sig-Kid': 'k' };
    expect(intake.give(text, { headers })).toMatchObject({ kind: 'admitted', run: { execId: 'e1' } });
    const [open] = intake.ledger.open();
    expect(open?.run).toMatchObject({ execId: 'e1', command: { script: 'true' } });
    expect(Buffer.from(open?.received?.bytes ?? []).toString()).toBe(text);
    expect(open?.received).toMatchObject({ subject: 'commands.pc.pc-1', headers });
  });

  it('counts a time-out that cannot be counted as the longest that can', async () => {
    await using intake = await openAdmit();
    const text = JSON.stringify(order).replace('"timeout_secs":5', '"timeout_secs":18446744073709551615');
    expect(intake.give(text)).toMatchObject({ run: { command: { timeout_secs: Number.MAX_SAFE_INTEGER } } });
    expect(intake.ledger.open()).toMatchObject([{ run: { command: { timeout_secs: Number.MAX_SAFE_INTEGER } } }]);
  });

  it('accepts the name that exec_id had before, and no exec id at all', async () => {
    await using intake = await openAdmit();
    const { exec_id, ...rest } = order;
    expect(intake.give({ ...rest, job_id: exec_id })).toMatchObject({ run: { execId: 'e1' } });
    expect(intake.give({ ...rest, request_id: 'r2' })).toMatchObject({ run: { execId: null } });
  });

  it('keeps nothing of an order that is meant for somebody else', async () => {
    await using intake = await openAdmit();
    expect(intake.give(order, { subject: 'commands.pc.pc-2' })).toEqual({ kind: 'not_addressed', jobId: 'job' });
    expect(intake.give(order)).toMatchObject({ kind: 'admitted' });
  });

  it('has a share of its places for each door and each user: none fills it for another', async () => {
    await using intake = await openAdmit();
    intake.fill('local', 'ann', limits.userAdmissionsMax);
    const click = (owner: string, request_id: string) =>
      intake.admit(
        { subject: 'local', bytes: Buffer.from(JSON.stringify({ ...order, request_id })), headers: {} },
        owner,
      );
    expect(click('ann', 'a').kind).toBe('full');
    expect(click('bob', 'b').kind).toBe('admitted');
    intake.fill('local', 'eve', limits.localAdmissionsMax - limits.userAdmissionsMax);
    expect(click('bob', 'c').kind).toBe('full');
    expect(intake.give(order).kind).toBe('admitted');
    intake.fill('fleet', null, limits.fleetAdmissionsMax);
    expect(intake.give({ ...order, request_id: 'r2' }).kind).toBe('full');
  });

  it('starts what it takes, once', async () => {
    await using intake = await openAdmit();
    intake.give(order);
    intake.give(order);
    expect(intake.started).toEqual(['r1']);
  });

  it('takes nothing while endings cannot be recorded, tells the fleet once, and forgets that it was asked', async () => {
    await using intake = await openAdmit();
    intake.fallBehind();
    expect(intake.take([deliveryOf(order)])).toBe(false);
    expect(intake.take(some.map(deliveryOf))).toBe(false);
    expect(intake.events).toEqual(['command_admission_unavailable']);
    expect(intake.ledger.open()).toEqual([]);
  });
});
