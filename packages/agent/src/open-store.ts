/** What an agent has on disk and who works on it directly: the file with ledger and outbox, the jobs, the keys, the log. */
import { rmSync, writeFileSync } from 'node:fs';
import { type Durable, type DurableEvent, lastLoss } from '@kanade/durable';
import { type Outbox, openOutbox } from '@kanade/outbox';
import { type JobDir, type Jobs, openJobs, type StopReport } from '@kanade/runner';
import type { AgentConfig } from './config/config.ts';
import { openLogDir } from './config/log-dir.ts';
import type { LogFile } from './config/log-file.ts';
import type { Logger } from './config/logger.ts';
import { type KeyRing, openKeyRing } from './intake/key-ring.ts';
import { limits } from './limits.ts';
import { createEvents, isEventId, type Tell } from './report/events.ts';
import { readHeldJobs } from './report/held-jobs.ts';
import { reportFile, reportJob } from './report/trouble.ts';
import type { Stopper } from './run/model.ts';
import { createRegistry } from './run/supervise.ts';
import { openScriptCache } from './script/script-cache.ts';
import { openAttempts } from './store/attempts.ts';
import { openCheckResults } from './store/check-results.ts';
import { openDataDir } from './store/data-dir.ts';
import { createFindEnded, createFindRun } from './store/find-run.ts';
import { createFleetCache } from './store/fleet-cache.ts';
import { type Ledger, openLedger } from './store/ledger.ts';
import { openNotices } from './store/notices.ts';
import { openScriptDigests } from './store/script-digests.ts';
import { openStateFile } from './store/state-file.ts';
import { openToasts } from './store/toasts.ts';

interface StoreOptions {
  /** Takes what is opened, for the end of the agent. */
  readonly parts: AsyncDisposableStack;
  readonly log: Logger;
  readonly agentLog: LogFile;
}

/** Opens what is on disk in whatever state it is. Throws AgentError, with nothing left behind but what `parts` holds. */
export async function openStore(config: AgentConfig, { parts, log, agentLog }: StoreOptions) {
  const dir = parts.use(openDataDir(config.dataDir));
  if (config.logPath !== undefined && config.logKeepDays !== 0) openLogDir(config.logPath);
  parts.use(agentLog.keepIn(config.logPath ?? dir.log, config.logKeepDays));
  const lost: { atMs: number | undefined } = { atMs: undefined };
  const damage: DurableEvent[] = [];
  const file = parts.use(
    openStateFile(dir.database, (event) => {
      reportFile(event, log, lost);
      damage.push(event);
    }),
  );
  lost.atMs ??= lastLoss(await file.salvages())?.atMs;
  const outbox = parts.use(
    openOutbox({
      durable: file,
      limits: limits.outbox,
      onEvent: (event) => {
        log[event.type === 'delivered' ? 'debug' : 'warn']({ event }, 'outbox');
        if (event.type === 'quarantined' && !isEventId(event.id)) tell('record_quarantined', event);
      },
    }),
  );
  const tell = createEvents({ pcId: config.pcId, outbox, log });
  for (const event of damage) if (event.type !== 'reserve_used') tell('state_salvaged', event);
  const ledger = openLedger({ file, outbox });
  const env = jobEnvironment(config.env);
  const jobs = parts.use(openJobs(dir.jobs, { keeper: 'here', env, onEvent: (event) => reportJob(event, log) }));
  const stops = createStops(jobs, log);
  const registry = createRegistry({ noteStop: noteStopIn(ledger, log), stopJob: stops.stopJob });
  const view = createFleetCache(file, config.pcId);
  const ring = parts.use(
    openKeyRing({ path: config.commandKeys, log, onChange: (next) => noteLock(dir.lockedOrders, next, log) }),
  );
  return {
    ring,
    stagingRoot: dir.staged,
    collectedDir: dir.collected,
    ...scriptsIn(dir.scripts, file),
    file,
    outbox,
    tell,
    ledger,
    checks: openCheckResults(file),
    attempts: openAttempts(file),
    notices: openNotices({ pcId: config.pcId, file, outbox }),
    toasts: openToasts({ pcId: config.pcId, file, outbox }),
    env,
    jobs,
    registry,
    stopOf: stops.stopOf,
    view,
    findRun: createFindRun(file, config.pcId),
    ...heldOutput(outbox, { jobsRoot: dir.jobs, log, tell }),
    findEnded: createFindEnded(file),
    lostAtMs: () => later(lost.atMs, ledger.doubtSinceMs()),
  };
}

/** What results are still made from, and what is said when some of it had to go. */
const heldOutput = (outbox: Outbox, { jobsRoot, log, tell }: { jobsRoot: string; log: Logger; tell: Tell }) => ({
  held: () => readHeldJobs(outbox, jobsRoot),
  onLost(lost: object): void {
    log.error(lost, 'output of results that wait for the broker went: the room for it is used up');
    tell('output_lost', lost);
  },
});

/** The scripts of the object store, as far as this disk has them. */
const scriptsIn = (dir: string, file: Durable) => ({
  scriptCache: openScriptCache(dir, limits.scriptCache),
  digests: openScriptDigests(file),
});

const noteStopIn =
  (ledger: Ledger, log: Logger) =>
  (runId: string, by: Stopper): void => {
    try {
      ledger.stopping(runId, by);
    } catch (error) {
      log.error({ err: error, run_id: runId }, 'who stopped a run could not be written down; it is stopped');
    }
  };

/** The stops that were asked for, and what each did. */
function createStops(jobs: Jobs, log: Logger) {
  const stops = new WeakMap<JobDir, Promise<StopReport | undefined>>();
  return {
    stopJob(job: JobDir, by: Stopper): void {
      const told = (error: unknown): void => log.error({ err: error, job_id: job.id }, 'a run could not be stopped');
      const stopping = jobs.stop(job, { by, graceMs: limits.stopGraceMs });
      const reported = stopping.then(
        ({ report }) => report,
        (error) => void told(error),
      );
      stops.set(job, reported);
    },
    stopOf: (job: JobDir) => stops.get(job),
  };
}

/** Says beside the file of the agent why every order is refused, for as long as that is so. */
function noteLock(path: string, ring: KeyRing, log: Logger): void {
  try {
    if (ring.kind === 'locked') writeFileSync(path, `${ring.reason}\n`, { mode: 0o600 });
    else rmSync(path, { force: true });
  } catch (error) {
    log.warn({ err: error, path }, 'whether orders are refused could not be written down for doctor');
  }
}

const later = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);

/** Nothing of ours reaches a job, least of all the token of the broker. */
function jobEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('KANADE_')));
}
