/** The composition root: what an agent is made of, and in which order its parts begin and end. */
import { availableParallelism } from 'node:os';
import { openOutbox } from '@kanade/outbox';
import { createHost, type HostEvent } from '@kanade/runner/host';
import { commandFilters } from '@kanade/shared/fleet';
import { openCatalogue } from './catalogue.ts';
import type { AgentConfig } from './config.ts';
import { openDataDir } from './data-dir.ts';
import { createAdmit } from './intake/admit.ts';
import type { GateFacts } from './intake/gates.ts';
import { createTakeOrder } from './intake/take-order.ts';
import { limits } from './limits.ts';
import { createJobs } from './local/jobs.ts';
import { serveLocal } from './local/serve.ts';
import { createMachineState } from './local/state.ts';
import type { Logger } from './logger.ts';
import type { BrokerState } from './nats/connect.ts';
import { createFleetCache } from './nats/fleet-cache.ts';
import { createFleetLink, type FleetLink } from './nats/fleet-link.ts';
import { createPulse } from './report/pulse.ts';
import { pruneRuns } from './run/prune.ts';
import { createRegistry } from './run/registry.ts';
import type { Run } from './run/run.ts';
import { createRunCommand } from './run/run-command.ts';
import { createRunRows, type RunRows } from './run/run-rows.ts';
import { createSlots } from './run/slots.ts';
import { openStateDb } from './state-db.ts';
import { agentVersion } from './version.ts';

/** A running agent. Disposing of it stops taking orders and leaves running jobs running. */
export interface Agent extends AsyncDisposable {
  readonly pcId: string;
  /** Path of the local socket that is served. */
  readonly socket: string;
  readonly version: string;
  readonly broker: BrokerState;
}

/**
 * Starts an agent; when this resolves, the local socket is served and the runs of an earlier agent are taken up. The
 * broker is connected in the background. Throws AgentError when it cannot start, with nothing left behind.
 */
export async function createAgent(config: AgentConfig, { log }: { readonly log: Logger }): Promise<Agent> {
  await using parts = new AsyncDisposableStack();
  const closing = new AbortController();
  const version = agentVersion();
  const store = openStore(config, { parts, log });
  const { rows, cache, admit, registry } = store;
  const isRevoked = (jobId: string): boolean => cache.text('script_status', jobId)?.trim() === 'REVOKED';
  const gateFacts = (run: Run): GateFacts => ({
    nowMs: Date.now(),
    brokerAgeMs: ageOf(link.state, Date.now()),
    approvedVersion: cache.text('script_current', run.command.id)?.trim(),
    isRevoked: isRevoked(run.command.id),
    platform: process.platform,
    origin: run.origin,
  });
  const runCommand = createRunCommand({
    ...store,
    slots: createSlots(availableParallelism()),
    gateFacts,
    cwd: config.cwd,
    env: jobEnvironment(config.env),
    log,
    signal: closing.signal,
  });
  const state = createMachineState({ pcId: config.pcId, version });
  const link: FleetLink = parts.use(
    createFleetLink({
      ...store,
      ...config,
      token: config.token,
      onOrder: createTakeOrder({
        ...store,
        runCommand,
        filters: () => commandFilters(config.pcId, cache.groups()),
        log,
      }),
      onKill: (execId) => registry.stop({ execId }, 'operator'),
      beat: createPulse({ pcId: config.pcId, version }),
      onState: (next) => state.setOnline(next.kind === 'connected'),
      log,
      signal: closing.signal,
    }),
  );
  const catalogue = parts.use(
    openCatalogue({ dir: config.jobsDir, cache, refresh: (id) => link.refresh('jobs', id), log }),
  );
  const audience = () => ({ pcId: config.pcId, groups: cache.groups() });
  const jobs = createJobs({ catalogue, audience, isRevoked, admit, rows, runCommand, registry });
  const onlyUid = config.allowOwnUser ? process.getuid?.() : undefined;
  const { socket, localTrace: trace } = config;
  const local = await serveLocal({ socket, onlyUid, trace, version, state, jobs, registry, log });

  // From here on nothing can fail: runs are taken up, orders are taken. The end goes the other way round.
  parts.use(local);
  parts.defer(() => closing.abort(new Error('the agent ends')));
  parts.use(keepPruning({ ...store, log }));
  runCommand.resume(rows.open());
  link.start();
  const started = parts.move();
  return {
    pcId: config.pcId,
    socket: local.path,
    version,
    get broker() {
      return link.state;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** What is on disk, and who works on it directly. */
function openStore(config: AgentConfig, { parts, log }: { parts: AsyncDisposableStack; log: Logger }) {
  const dir = parts.use(openDataDir(config.dataDir));
  const db = parts.use(openStateDb(dir.database));
  const outbox = parts.use(
    openOutbox({
      database: db.database,
      limits: { bodyBytesMax: limits.recordBytesMax },
      onEvent: (event) => log[event.type === 'delivered' ? 'debug' : 'warn']({ event }, 'outbox'),
    }),
  );
  const rows = createRunRows({ db, outbox, jobsRoot: dir.jobs });
  const host = parts.use(createHost({ root: dir.jobs, onEvent: (event) => reportHost(event, log) }));
  const registry = createRegistry((job, by) => {
    host.stop(job, { by, graceMs: limits.stopGraceMs }).catch((error: unknown) => {
      log.error({ err: error, job_id: job.id }, 'a run could not be stopped');
    });
  });
  const cache = createFleetCache(db, config.pcId);
  const admit = createAdmit({ db, rows, pcId: config.pcId });
  return { jobsRoot: dir.jobs, stagingRoot: dir.staged, outbox, rows, host, registry, cache, admit };
}

/** Forgets old runs now and from time to time. */
function keepPruning(options: { rows: RunRows; jobsRoot: string; log: Logger }): Disposable {
  const prune = (): void => {
    try {
      pruneRuns(options, Date.now());
    } catch (error) {
      options.log.error({ err: error }, 'old runs could not be forgotten; they are kept');
    }
  };
  const timer = setInterval(prune, limits.pruneEveryMs);
  prune();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function reportHost(event: HostEvent, log: Logger): void {
  if (event.kind === 'trouble')
    log.error({ err: event.error, job_id: event.job.id, during: event.during }, 'a job could not be watched over');
  else if (event.kind === 'timed_out')
    log.warn({ job_id: event.job.id, report: event.outcome.report }, 'run timed out');
}

/** Age of what we know from the broker, in ms. An agent without one never had contact. */
function ageOf(state: BrokerState, nowMs: number): number {
  if (state.kind === 'connected') return 0;
  return state.kind === 'away' && state.sinceMs !== undefined ? nowMs - state.sinceMs : Number.POSITIVE_INFINITY;
}

/** Nothing of ours reaches a job, least of all the token of the broker. */
function jobEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('KANADE_')));
}
