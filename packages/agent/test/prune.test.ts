import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openOutbox } from '@kanade/outbox';
import { createJob } from '@kanade/runner';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { createAdmit } from '../src/intake/admit.ts';
import { limits } from '../src/limits.ts';
import { createLogger } from '../src/logger.ts';
import { resultOf } from '../src/report/result.ts';
import { endOfRefusal } from '../src/report/run-end.ts';
import { pruneRuns } from '../src/run/prune.ts';
import { createRunRows } from '../src/run/run-rows.ts';
import { openStateDb } from '../src/state-db.ts';

it('pruneRuns() forgets order, run and output of what ended long ago, and nothing else', async () => {
  await using dir = await tempDir();
  using db = openStateDb(join(dir.path, 'agent.db'));
  await using outbox = openOutbox({ database: db.database });
  const rows = createRunRows({ db, outbox, jobsRoot: dir.path });
  const admit = createAdmit({ db, rows, pcId: 'pc-1' });
  const orderOf = (request_id: string) =>
    Buffer.from(JSON.stringify({ id: 'job', version: '1', request_id, shell: 'sh', script: '', timeout_secs: 1 }));
  const give = (id: string) => admit({ subject: 's', bytes: orderOf(id), origin: 'fleet', owner: null });

  const now = Date.now();
  const jobs = [now - limits.keepEndedMs - 1, now - limits.keepEndedMs + 60_000].map((endedAtMs, index) => {
    const admission = give(`ended-${index}`);
    if (admission.kind !== 'admitted') throw new Error(admission.kind);
    const { job } = createJob(dir.path, { command: ['true'], cwd: '/' });
    rows.launching(admission.run.runId, job.id);
    const end = endOfRefusal({ gate: 'deadline', message: 'late' }, endedAtMs);
    rows.ended(end, resultOf(admission.run, end));
    return job;
  });
  give('open');
  pruneRuns({ rows, jobsRoot: dir.path, log: createLogger('silent', () => undefined) }, now);

  expect(jobs.map(({ path }) => existsSync(path))).toEqual([false, true]);
  expect(give('ended-0').kind).toBe('admitted'); // not known any more
  expect(give('ended-1').kind).toBe('duplicate');
  expect(give('open').kind).toBe('duplicate');
  expect((await outbox.count()).ready.records).toBe(2); // results are never forgotten here
});
