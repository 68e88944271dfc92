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
import { createAnswer } from './nats/answer.ts';
import { type Broker, type BrokerState, createBroker } from './nats/connect.ts';
import { createFleetCache } from './nats/fleet-cache.ts';
import { createFleetState } from './nats/fleet-state.ts';
import { createPublish } from './nats/publish.ts';
import { createReceive } from './nats/receive.ts';
import { createPulse } from './report/pulse.ts';
import { pruneRuns } from './run/prune.ts';
import { createRegistry } from './run/registry.ts';
import type { Run } from './run/run.ts';
import { createRunCommand } from './run/run-command.ts';
import { createRunRows } from './run/run-rows.ts';
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
  const { signal } = closing;
  const version = agentVersion();
  const { pcId } = config;

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
  const cache = createFleetCache(db, pcId);
  const host = parts.use(createHost({ root: dir.jobs, onEvent: (event) => reportHost(event, log) }));
  const registry = createRegistry((job, by) => {
    host.stop(job, { by, graceMs: limits.stopGraceMs }).catch((error: unknown) => {
      log.error({ err: error, job_id: job.id }, 'a run could not be stopped');
    });
  });
  const admit = createAdmit({ db, rows, pcId });
  const state = createMachineState({ pcId, version });

  let broker: Broker | undefined;
  const connection = () => broker?.connection;
  const isRevoked = (jobId: string): boolean => cache.text('script_status', jobId)?.trim() === 'REVOKED';
  const gateFacts = (run: Run): GateFacts => ({
    nowMs: Date.now(),
    brokerAgeMs: ageOf(broker?.state, Date.now()),
    approvedVersion: cache.text('script_current', run.command.id)?.trim(),
    isRevoked: isRevoked(run.command.id),
    platform: process.platform,
    origin: run.origin,
  });
  const runCommand = createRunCommand({
    registry,
    rows,
    host,
    slots: createSlots(availableParallelism()),
    gateFacts,
    jobsRoot: dir.jobs,
    stagingRoot: dir.staged,
    cwd: config.cwd,
    env: jobEnvironment(config.env),
    log,
    signal,
  });

  const fleet = createFleetState({ pcId, cache, connection, onGroups: () => receive.groupsChanged(), log, signal });
  const receive = createReceive({
    pcId,
    cache,
    connection,
    onOrder: createTakeOrder({ admit, runCommand, filters: () => commandFilters(pcId, cache.groups()), log }),
    onKill: (execId) => registry.stop({ execId }, 'operator'),
    log,
    signal,
  });
  const answer = parts.use(createAnswer({ pcId, beat: createPulse({ pcId, version }), connection, log }));
  const catalogue = parts.use(
    openCatalogue({ dir: config.jobsDir, cache, refresh: (id) => fleet.refresh('jobs', id), log }),
  );
  const audience = () => ({ pcId, groups: cache.groups() });
  const jobs = createJobs({ catalogue, audience, isRevoked, admit, rows, runCommand, registry });

  const local = parts.use(
    await serveLocal({
      socket: config.socket,
      onlyUid: config.allowOwnUser ? process.getuid?.() : undefined,
      version,
      state,
      jobs,
      registry,
      log,
    }),
  );
  runCommand.resume(rows.open());
  const pruning = setInterval(() => prune(), limits.pruneEveryMs);
  parts.defer(() => clearInterval(pruning));
  prune();

  const publish = createPublish({ outbox, connection, log, signal });
  parts.defer(() => publish.drained);
  broker = parts.use(
    createBroker({
      servers: config.servers,
      token: config.token,
      name: `kanade-agent-${pcId}`,
      onOpen: (opened) => {
        for (const part of [fleet, receive, answer]) part.open(opened);
      },
      onOnline: () => {
        for (const part of [fleet, receive, answer, publish]) part.online();
      },
      onState: (next) => state.setOnline(next.kind === 'connected'),
      log,
    }),
  );
  parts.defer(async () => {
    closing.abort(new Error('the agent ends'));
    await local[Symbol.asyncDispose]();
  });

  function prune(): void {
    try {
      pruneRuns({ rows, jobsRoot: dir.jobs, log }, Date.now());
    } catch (error) {
      log.error({ err: error }, 'old runs could not be forgotten; they are kept');
    }
  }

  const started = parts.move();
  const connected = broker;
  return {
    pcId,
    socket: local.path,
    version,
    get broker() {
      return connected.state;
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function reportHost(event: HostEvent, log: Logger): void {
  if (event.kind === 'trouble') log.error({ err: event.error, job_id: event.job.id, during: event.during }, 'a job could not be watched over');
  else if (event.kind === 'timed_out')
    log.warn({ job_id: event.job.id, report: event.outcome.report }, 'run timed out');
}

/** Age of what we know from the broker, in ms. An agent without one never had contact. */
function ageOf(state: BrokerState | undefined, nowMs: number): number {
  if (state?.kind === 'connected') return 0;
  return state?.kind === 'away' && state.sinceMs !== undefined ? nowMs - state.sinceMs : Number.POSITIVE_INFINITY;
}

/** Nothing of ours reaches a job, least of all the token of the broker. */
function jobEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('KANADE_')));
}
