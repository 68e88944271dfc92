import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { openOutbox } from '@kanade/outbox';
import { eventually, natsServers, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Run } from '../src/run/model.ts';
import { openLedger } from '../src/store/ledger.ts';
import { openStateFile } from '../src/store/state-file.ts';
import { openSite } from './agent-process.ts';
import { arrivalOf } from './arrival.ts';
import { openOperator } from './operator.ts';
import { openPerson } from './person.ts';
import { openRuns, queuedResults } from './records.ts';

const version1 = gunzipSync(readFileSync(join(import.meta.dirname, 'data/agent-0.1.0.db.gz')));

const runOf = (requestId: string, command: Partial<Run['command']> = {}): Run => ({
  runId: `run-${requestId}`,
  pcId: 'pc-1',
  requestId,
  execId: 'e1',
  origin: 'fleet',
  owner: null,
  command: {
    id: 'job',
    version: '1',
    request_id: requestId,
    exec_id: 'e1',
    shell: 'sh',
    script: 'true',
    timeout_secs: 5,
    ...command,
  },
});

/** Opens the ledger of a file, gives it to `work`, and closes it. */
async function withLedger<T>(path: string, work: (ledger: ReturnType<typeof openLedger>) => T): Promise<T> {
  await using file = openStateFile(path);
  await using outbox = openOutbox({ durable: file });
  return work(openLedger({ file, outbox }));
}

async function place(): Promise<string> {
  const dir = await tempDir();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  return join(dir.path, 'agent.db');
}

describe('the file of an agent', () => {
  it('of version 0.1.0 is taken over by an agent: catalogue, open runs, results', async () => {
    const broker = await startNatsServer({ path: (await natsServers()).at(-1)?.path ?? 'nats-server' });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const operator = await openOperator(broker.url);
    const site = await openSite();
    mkdirSync(site.data, { mode: 0o700 });
    writeFileSync(join(site.data, 'agent.db'), version1, { mode: 0o600 });
    expect(queuedResults(site.data).length).toBeGreaterThan(35);
    expect(openRuns(site.data)).toBe(3);
    const alone = await site.start();
    const person = await openPerson(site.socket);
    const { items } = await person.call('jobs.list');
    expect(items.map(({ id }) => id)).toContain('job-0');
    await eventually('the open runs to end', () => openRuns(site.data) === 0);
    expect(alone.log()).not.toContain('was damaged');
    await alone.end();
    const ends = new Map(queuedResults(site.data).map((result) => [result.request_id, result]));
    expect(ends.get('admitted-1')).toMatchObject({ exit_code: 0, stdout: 'admitted-1\n' });
    expect(ends.get('launching-1')).toMatchObject({ exit_code: 121, ending: 'lost' });
    expect(ends.get('running-1')).toMatchObject({ exit_code: 121, ending: 'lost' });
    await site.start({ args: ['--server', broker.url] });
    await Promise.all(['ended-10', 'ended-40', 'admitted-1', 'running-1'].map((id) => operator.result(id)));
  });

  it('answers for an order whose run was lost, and for one that cannot be read', async () => {
    const path = await place();
    await withLedger(path, (ledger) => {
      for (const id of ['no-run', 'no-order', 'spoiled']) ledger.admit(runOf(id), arrivalOf(runOf(id)));
    });
    {
      await using file = openStateFile(path);
      file.transact(({ sql }) => {
        sql("DELETE FROM run WHERE request_id = 'no-run'").run();
        sql("DELETE FROM admission WHERE request_id = 'no-order'").run();
        sql(
          `UPDATE admission SET body = CAST(replace(body, 'true', 'evil') AS BLOB) WHERE request_id = 'spoiled'`,
        ).run();
      });
    }
    const open = await withLedger(path, (ledger) => {
      ledger.recover([]);
      return ledger.open();
    });
    expect(open.map(({ run, state, jobId }) => [run.requestId, run.execId, state, jobId]).sort()).toEqual([
      ['no-order', 'e1', 'launching', undefined],
      ['no-run', 'e1', 'launching', undefined],
      ['spoiled', 'e1', 'launching', undefined],
    ]);
  });

  it('holds in doubt what stands in the stream up to where it was met after a loss, and nothing later or live', async () => {
    const path = await place();
    await withLedger(path, (ledger) => {
      ledger.admit(runOf('known'), arrivalOf(runOf('known'), { sequence: 1 }));
      ledger.recover([{ jobId: 'a-job', runId: 'of-no-order' }]);
      const stateOf = (id: string, sequence: number | undefined) => {
        const entry = ledger.admit(runOf(id), arrivalOf(runOf(id), { sequence }));
        return entry.kind === 'admitted' ? entry.open.state : entry.kind;
      };
      expect(stateOf('known', 1)).toBe('duplicate');
      expect(stateOf('before the stream was met', 2)).toBe('launching');
      ledger.boundDoubt(5);
      expect(stateOf('at the bound', 5)).toBe('launching');
      expect(stateOf('behind it', 6)).toBe('admitted');
      expect(stateOf('live', undefined)).toBe('admitted');
      ledger.recover([]);
      ledger.boundDoubt(9);
      expect(stateOf('later', 7)).toBe('admitted');
      expect(ledger.jobIds()).toContain('a-job'); // known from now on: no doubt again at the next start
    });
  });

  it('notices by its jobs that the ledger went back unseen', async () => {
    const site = await openSite();
    const broker = await startNatsServer({ path: (await natsServers()).at(-1)?.path ?? 'nats-server' });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const operator = await openOperator(broker.url);
    const ran = join(site.path, 'ran');
    const db = join(site.data, 'agent.db');
    const args = ['--server', broker.url];
    await (await site.start({ args })).end();
    copyFileSync(db, join(site.path, 'old.db'));
    const order = runOf('once', { script: `echo x >> ${ran}`, exec_id: 'e1' }).command;
    await operator.order('commands.pc.pc-1.job', order);
    const second = await site.start({ args });
    expect(await operator.result('once')).toMatchObject({ exit_code: 0 });
    await second.end();
    copyFileSync(join(site.path, 'old.db'), db);
    await operator.renew('RESULTS');
    const third = await site.start({ args });
    expect(await operator.result('once')).toMatchObject({ exit_code: 121, ending: 'lost' });
    expect(readFileSync(ran, 'utf8')).toBe('x\n');
    expect(third.log()).toContain('jobs belong to no run that is known');
    expect(await operator.ping('pc-1')).toHaveProperty('state_lost_at');
  });
});
