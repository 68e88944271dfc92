/** The composition root: what an agent is made of, and in which order its parts begin and end. */
import { rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type DurableEvent, lastLoss } from '@kanade/durable';
import { openOutbox } from '@kanade/outbox';
import { type JobDir, type Jobs, openJobs, type StopReport } from '@kanade/runner';
import type { Command } from '@kanade/shared/fleet';
import type { AgentConfig } from './config/config.ts';
import { createLogFile, type LogFile } from './config/log-file.ts';
import type { Logger } from './config/logger.ts';
import { agentVersion } from './config/version.ts';
import type { BrokerState } from './fleet/connect.ts';
import { createFleetLink, type FleetLink } from './fleet/link.ts';
import { createIntake, type Intake, type IntakeOptions } from './intake/admit.ts';
import { createTurns } from './intake/gates.ts';
import { heartbeatOf, type KeyRing, openKeyRing } from './intake/key-ring.ts';
import { createVerifier, type Verifier } from './intake/verify.ts';
import { limits } from './limits.ts';
import { openCatalogue } from './local/catalogue.ts';
import { createLocalJobs } from './local/jobs.ts';
import { serveLocal } from './local/serve.ts';
import { createMachineState } from './local/state.ts';
import { createEvents, isEventId, type Tell } from './report/events.ts';
import { refusedResult } from './report/refused.ts';
import { createReport, type Report } from './report/report.ts';
import { reportFile, reportJob } from './report/trouble.ts';
import { createLauncher } from './run/launch.ts';
import type { OpenRun, Stopper } from './run/model.ts';
import { createJobBudget, pruneRuns, type RunPruneOptions, sweepJobs } from './run/prune.ts';
import { createRegistry, createSupervisor } from './run/supervise.ts';
import { openDataDir } from './store/data-dir.ts';
import { createFindRun } from './store/find-run.ts';
import { createFleetCache } from './store/fleet-cache.ts';
import { type Ledger, openLedger } from './store/ledger.ts';
import { openStateFile } from './store/state-file.ts';
import { createLogAnswer } from './watch/agent-log.ts';
import { createTail } from './watch/tail.ts';

/** A running agent. Disposing of it stops taking orders and leaves running jobs running. */
export interface Agent extends AsyncDisposable {
  readonly pcId: string;
  /** Path of the local socket that is served. */
  readonly socket: string;
  readonly version: string;
  readonly broker: BrokerState;
}

export interface AgentLogs {
  readonly log: Logger;
  /** Where `log` writes, when operators may read it; the agent keeps it in its data directory. */
  readonly agentLog?: LogFile;
}

/**
 * Starts an agent; when this resolves, the local socket is served and the runs of an earlier agent are taken up. The
 * broker is connected in the background. Throws AgentError when it cannot start, with nothing left behind.
 */
export async function createAgent(config: AgentConfig, given: AgentLogs): Promise<Agent> {
  const { log, agentLog = createLogFile(() => undefined) } = given;
  await using parts = new AsyncDisposableStack();
  const closing = new AbortController();
  const version = agentVersion();
  const { pcId } = config;
  const store = await openStore(config, { parts, log, agentLog });
  const { ledger, view, registry } = store;
  const common = { ...store, pcId, version, log, signal: closing.signal };
  const report = createReport(common);
  const launcher = createLauncher({
    ...common,
    cwd: config.cwd,
    env: store.env,
    onStarted(live, running) {
      registry.started(live, running);
      report.started(live.run, running.startedAtMs);
    },
  });
  const verifier = createVerifier({ ...common, onEvent: store.tell });
  const supervisor = createSupervisor({
    ...common,
    launcher,
    report,
    turns: createTurns(view, availableParallelism(), verifier.again),
  });
  const intake = intakeOf(common, { report, verifier, begin: supervisor.begin });
  const state = createMachineState({ pcId, version });
  const link: FleetLink = parts.use(
    createFleetLink({
      ...common,
      cache: view,
      access: config.access,
      provenance: () => heartbeatOf(store.ring.current),
      onOrders: intake.take,
      onStream: ledger.boundDoubt,
      onKill: (execId) => registry.stop({ execId }, 'operator'),
      onState: (next) => state.setOnline(next.kind === 'connected'),
      onTail: createTail(common),
      onLogs: createLogAnswer({ agentLog, signal: closing.signal }),
    }),
  );
  const refresh = (id: string): Promise<void> => link.refresh('jobs', id);
  const catalogue = parts.use(openCatalogue({ dir: config.jobsDir, view, refresh, log }));
  const jobs = createLocalJobs({ ...common, catalogue, intake });
  const local = await serveLocal({ ...doorOf(config), version, state, jobs, registry, log });

  // From here on nothing can fail: runs are taken up, orders are taken. The end goes the other way round.
  parts.use(local);
  parts.defer(() => closing.abort(new Error('the agent ends')));
  const open = takeStock(common);
  parts.use(keepPruning(common));
  supervisor.resume(open);
  link.start();
  parts.use(tellOfLife(store.tell, version));
  return asAgent({ pcId, version, socket: local.path, link }, parts.move());
}

const asAgent = (
  { link, ...known }: Pick<Agent, 'pcId' | 'version' | 'socket'> & { readonly link: FleetLink },
  parts: AsyncDisposableStack,
): Agent => ({
  ...known,
  get broker() {
    return link.state;
  },
  [Symbol.asyncDispose]: () => parts.disposeAsync(),
});

/** The one way in, with what it needs of the others. */
function intakeOf(
  common: Omit<IntakeOptions, 'verifier' | 'refuse' | 'reject' | 'isBehind' | 'begin' | 'onEvent'> & {
    readonly ledger: Ledger;
    readonly tell: Tell;
  },
  { report, verifier, begin }: { report: Report; verifier: Verifier; begin: IntakeOptions['begin'] },
): Intake {
  const { ledger, pcId, tell } = common;
  const { refuse, isBehind } = report;
  const reject = (command: Command, reason: string): void =>
    ledger.answer(refusedResult(command, { pcId, reason }, Date.now()));
  return createIntake({ ...common, verifier, refuse, reject, isBehind, begin, onEvent: tell });
}

interface StoreOptions extends Required<AgentLogs> {
  readonly parts: AsyncDisposableStack;
}

/** What is on disk, and who works on it directly. */
async function openStore(config: AgentConfig, { parts, log, agentLog }: StoreOptions) {
  const dir = parts.use(openDataDir(config.dataDir));
  parts.use(agentLog.keepIn(dir.log));
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
  const registry = createRegistry({
    noteStop(runId, by) {
      try {
        ledger.stopping(runId, by);
      } catch (error) {
        log.error({ err: error, run_id: runId }, 'who stopped a run could not be written down; it is stopped');
      }
    },
    stopJob: stops.stopJob,
  });
  const view = createFleetCache(file, config.pcId);
  const ring = parts.use(
    openKeyRing({ path: config.commandKeys, log, onChange: (next) => noteLock(dir.lockedOrders, next, log) }),
  );
  return {
    ring,
    stagingRoot: dir.staged,
    outbox,
    tell,
    ledger,
    env,
    jobs,
    registry,
    stopOf: stops.stopOf,
    view,
    findRun: createFindRun(file, config.pcId),
    lostAtMs: () => later(lost.atMs, ledger.doubtSinceMs()),
  };
}

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

const doorOf = ({ socket, localTrace: trace, allowOwnUser }: AgentConfig) => ({
  socket,
  trace,
  onlyUid: allowOwnUser ? process.getuid?.() : undefined,
});

function tellOfLife(tell: Tell, version: string): Disposable {
  tell('agent_started', { version });
  return { [Symbol.dispose]: () => tell('agent_stopped', { version }) };
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

/** Forgets old runs now and from time to time. */
function keepPruning(options: RunPruneOptions & { readonly ledger: Ledger }): Disposable {
  const budget = createJobBudget({ ...options, bytesMax: limits.endedBytesMax });
  const enforce = (): void => {
    budget.enforce().catch((error: unknown) => {
      options.log.error({ err: error }, 'the budget of old runs could not be kept; it is looked at again');
    });
  };
  const looks = setInterval(enforce, limits.budgetEveryMs);
  const prune = (): void => {
    pruneRuns(options, Date.now()).catch((error: unknown) => {
      options.log.error({ err: error }, 'old runs could not be forgotten; they are kept');
    });
  };
  const timer = setInterval(prune, limits.pruneEveryMs);
  prune();
  enforce();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      clearInterval(looks);
    },
  };
}

/** Brings the ledger and the job directories together; returns the runs to go on with. */
function takeStock(options: RunPruneOptions & { ledger: Ledger }): OpenRun[] {
  const { ledger, jobs, log } = options;
  const strays = sweepJobs(options, Date.now());
  ledger.recover(strays);
  const open = ledger.open();
  const known = new Set(open.map(({ run }) => run.runId));
  const unknown = strays.filter((stray) => !known.has(stray.runId));
  // They go on with what they were promised, and nobody can be told how they end.
  for (const { jobId } of unknown) jobs.adopt(jobs.at(jobId)).catch(() => undefined); // reported as an event
  if (unknown.length > 0) {
    const job_ids = unknown.slice(0, limits.loggedIdsMax).map(({ jobId }) => jobId);
    log.error(
      { count: unknown.length, job_ids },
      'jobs belong to no run that is known: what this agent knew was lost, and orders that it may have run end as lost',
    );
  }
  return open;
}

const later = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);

/** Nothing of ours reaches a job, least of all the token of the broker. */
function jobEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('KANADE_')));
}
