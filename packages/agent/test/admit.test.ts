import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openOutbox } from '@kanade/outbox';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../src/config/logger.ts';
import { createIntake, type IncomingOrder } from '../src/intake/admit.ts';
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

async function openAdmit() {
  const dir = await tempDir();
  const path = join(dir.path, 'agent.db');
  const file = openStateFile(path);
  const outbox = openOutbox({ durable: file });
  const ledger = openLedger({ file, outbox });
  const started: string[] = [];
  let isBehind = false;
  const { admit } = createIntake({
    pcId: 'pc-1',
    view: { filters: () => ['commands.pc.pc-1'] },
    ledger,
    begin: ({ run }) => started.push(run.requestId),
    isBehind: () => isBehind,
    log: createLogger('silent', () => undefined),
  });
  return {
    path,
    ledger,
    started,
    fallBehind: () => {
      isBehind = true;
    },
    give: (value: unknown, more: Partial<IncomingOrder> = {}) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      const bytes = value instanceof Uint8Array ? value : Buffer.from(text);
      return admit({ subject: 'commands.pc.pc-1', bytes, origin: 'fleet', owner: null, ...more });
    },
    async [Symbol.asyncDispose]() {
      await outbox[Symbol.asyncDispose]();
      await file[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

describe('createIntake()', () => {
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

  it('starts what it takes, once', async () => {
    await using intake = await openAdmit();
    intake.give(order);
    intake.give(order);
    expect(intake.started).toEqual(['r1']);
  });

  it('takes nothing while endings cannot be recorded, and forgets that it was asked', async () => {
    await using intake = await openAdmit();
    intake.fallBehind();
    expect(intake.give(order)).toMatchObject({ kind: 'full' });
    expect(intake.ledger.open()).toEqual([]);
  });
});
