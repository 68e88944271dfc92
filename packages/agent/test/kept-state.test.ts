/** Files of agents of every release, and what this version would leave: an agent takes each over, with all that it knew. */
import { DatabaseSync } from 'node:sqlite';
import type { DurableEvent } from '@kanade/durable';
import { openOutbox } from '@kanade/outbox';
import { keptStates } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { openAttempts } from '../src/store/attempts.ts';
import { openCheckResults } from '../src/store/check-results.ts';
import { openEmitted } from '../src/store/emitted.ts';
import { createFleetCache } from '../src/store/fleet-cache.ts';
import { openLedger } from '../src/store/ledger.ts';
import { openNotices } from '../src/store/notices.ts';
import { openScriptDigests } from '../src/store/script-digests.ts';
import { agentPart, openStateFile } from '../src/store/state-file.ts';
import { openToasts } from '../src/store/toasts.ts';

const states = keptStates(import.meta.dirname);

it.each(states)('the file of version $version opens, with all that it knew', async ({ unpack }) => {
  await using kept = await unpack();
  const events: DurableEvent[] = [];
  await using file = openStateFile(kept.path, (event) => events.push(event));
  await using outbox = openOutbox({ durable: file });
  const ledger = openLedger({ file, outbox });
  ledger.recover([]);
  expect(ledger.open()).toMatchObject([
    { run: { requestId: 'admitted', command: { script: 'echo admitted' } }, state: 'admitted' },
    { run: { requestId: 'launching' }, state: 'launching', jobId: 'job-launching', boot: 'an-earlier-boot' },
    { run: { requestId: 'running' }, state: 'running', jobId: 'job-running' },
  ]);
  expect(ledger.jobIds()).toEqual(new Set(['job-of-nobody', 'job-launching', 'job-running', 'job-ended']));
  expect(ledger.doubtSinceMs()).toEqual(expect.any(Number));
  expect(ledger.ownerOf('run-ended')).toBe('uid-1000');
  expect(ledger.receivedOf('run-admitted')?.delivery).toMatchObject({ subject: 'commands.pc.pc-1.job', headers: {} });
  expect(openEmitted(file, outbox).begin('run-running')).toMatchObject({ line: 4, queued: 2, bytes: 100, bad: 1 });

  const cache = createFleetCache(file, 'pc-1');
  expect(cache.manifests().map(({ id }) => id)).toEqual(['job']);
  expect(cache.about('gone').isRevoked).toBe(true);
  expect(cache.groups()).toEqual(['lab']);
  expect(cache.cursor('commands.pc.pc-1.>', 'a-stream')).toBe(42);
  expect(openScriptDigests(file).get('a-script')).toBe('ab'.repeat(32));

  expect(openCheckResults(file).list()).toMatchObject([{ name: 'disk', status: 'ok' }]);
  openAttempts(file).begin('uid-1000', Date.UTC(2026, 10, 27, 12));
  const [notice] = openNotices({ pcId: 'pc-1', file, outbox }).list('uid-1000', Date.UTC(2026, 10, 27, 13));
  expect(notice).toMatchObject({ id: 'n1', title: 'A title', acked_at: '2026-11-27T12:00:00.000Z' });
  expect(openToasts({ pcId: 'pc-1', file, outbox }).of('uid-1000').get('n1')).toMatchObject({ outcome: 'shown' });

  const queued = (await outbox.list()).map(
    ({ subject, state }) => `${state} ${subject.split('.').slice(0, 2).join('.')}`,
  );
  expect(queued).toEqual(expect.arrayContaining(['ready results.ended', 'ready events.started']));
  expect((await file.verify({ structure: true })).ok).toBe(true);
  expect(events).toEqual([]);
});

it('what a release keeps has a row in every table, so that none is forgotten', async () => {
  await using kept = await (states.at(-1) ?? expect.unreachable()).unpack();
  const database = new DatabaseSync(kept.path, { readOnly: true });
  const empty = agentPart.tables.filter(({ name }) => !database.prepare(`SELECT 1 FROM ${name}`).get());
  database.close();
  expect(
    empty.map(({ name }) => name),
    'write one in test/programs/keep-state.ts',
  ).toEqual([]);
});
