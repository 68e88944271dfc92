// Makes the file that is kept of a release, with a row in every table: `keep-state.ts <path>`. Only the parts of an agent that write it.
import { openOutbox } from '@kanade/outbox';
import { buckets } from '@kanade/shared/fleet';
import { resultOf } from '../../src/report/report.ts';
import type { Run, RunEnd } from '../../src/run/model.ts';
import { openAttempts } from '../../src/store/attempts.ts';
import { openCheckResults } from '../../src/store/check-results.ts';
import { openEmitted } from '../../src/store/emitted.ts';
import { createFleetCache } from '../../src/store/fleet-cache.ts';
import { openLedger } from '../../src/store/ledger.ts';
import { openNotices } from '../../src/store/notices.ts';
import { openScriptDigests } from '../../src/store/script-digests.ts';
import { openStateFile } from '../../src/store/state-file.ts';
import { openToasts } from '../../src/store/toasts.ts';
import { arrivalOf } from '../arrival.ts';

const [, , path = ''] = process.argv;
const nowMs = Date.UTC(2026, 10, 27, 12);
const at = new Date(nowMs).toISOString();

await using file = openStateFile(path);
await using outbox = openOutbox({ durable: file });
const ledger = openLedger({ file, outbox });
const cache = createFleetCache(file, 'pc-1');

/** An order that was taken. */
function admitted(id: string, more: Partial<Run> = {}): Run {
  const command = { id: 'job', version: '1', request_id: id, exec_id: 'e1', shell: 'sh', timeout_secs: 5 } as const;
  const run: Run = {
    ...{ runId: `run-${id}`, pcId: 'pc-1', requestId: id, execId: 'e1', origin: 'fleet', owner: null },
    command: { ...command, script: `echo ${id}` },
    ...more,
  };
  ledger.admit(run, arrivalOf(run, { sequence: 7, headers: {} }));
  return run;
}

// What is left of an earlier loss, then orders in every state that a power cut can meet.
ledger.recover([{ jobId: 'job-of-nobody', runId: 'run-of-nobody' }]);
ledger.boundDoubt(3);
admitted('admitted');
ledger.launching(admitted('launching').runId, 'job-launching', 'an-earlier-boot');
const running = admitted('running');
ledger.launching(running.runId, 'job-running', 'an-earlier-boot');
const ids = { request_id: 'running', exec_id: 'e1', pc_id: 'pc-1' };
ledger.running(running.runId, nowMs, { result_id: running.runId, ...ids, started_at: at });
const ended = admitted('ended', { execId: null, origin: 'local', owner: 'uid-1000' });
ledger.launching(ended.runId, 'job-ended', 'an-earlier-boot');
const printed = (text: string) => ({ text, isWhole: true, bytes: text.length });
const end: RunEnd = {
  ...{ ending: { kind: 'exited', exitCode: 3 }, status: 'completed', exitCode: 3, skipped: false, notes: [] },
  ...{ stdout: printed('what it printed\n'), stderr: printed(''), startedAtMs: nowMs, endedAtMs: nowMs + 1_000 },
};
ledger.ended(ended, end, { result: resultOf(ended, end) });
openEmitted(file, outbox).queue(running.runId, [], { line: 4, queued: 2, bytes: 100, bad: 1 });

const manifest = 'id: job\nversion: "1"\nexecute:\n  shell: sh\n  timeout: 5s\n  script: echo\n';
cache.put(buckets.jobs, 'job', { value: Buffer.from(manifest), sequence: 1 });
cache.put(buckets.scriptStatus, 'gone', { value: Buffer.from('REVOKED'), sequence: 2 });
cache.put(buckets.agentGroups, 'pc-1', { value: Buffer.from('{"groups":["lab"]}'), sequence: 3 });
cache.setCursor('commands.pc.pc-1.>', 'a-stream', 42);
cache.setContact('current');
openScriptDigests(file).set('a-script', 'ab'.repeat(32));

const hint = { name: 'disk', label: 'Disk' } as const;
openCheckResults(file).put({ hint, verdict: { status: 'ok', detail: '40 % free' }, jobId: 'job', atMs: nowMs });
openAttempts(file).begin('uid-1000', nowMs);
const notices = openNotices({ pcId: 'pc-1', file, outbox });
const notice = { id: 'n1', priority: 'info', issued_at: at, title: 'A title', body: 'What is said' };
notices.take([Buffer.from(JSON.stringify(notice))]);
notices.ack({ userKey: 'uid-1000', name: 'ana' }, 'n1', nowMs);
openToasts({ pcId: 'pc-1', file, outbox }).note({ userKey: 'uid-1000', id: 'n1' }, { outcome: 'shown' });
