/** The composition root: what an agent is made of, and in which order its parts begin and end. */
import { availableParallelism } from 'node:os';
import type { Command } from '@kanade/shared/fleet';
import { createAfter, type Step } from './after/after.ts';
import { createCheckStep } from './after/check.ts';
import { type CollectOptions, createCollectStep, pruneCollected } from './after/collect.ts';
import { createEmitStep, type EmitOptions } from './after/emit.ts';
import type { AgentConfig } from './config/config.ts';
import { createLogFile, type LogFile } from './config/log-file.ts';
import type { Logger } from './config/logger.ts';
import { agentVersion } from './config/version.ts';
import { createDiagnostics } from './diagnostics/diagnostics.ts';
import type { BrokerState } from './fleet/connect.ts';
import { createFleetLink, type FleetLink } from './fleet/link.ts';
import { createIntake, type Intake, type IntakeOptions } from './intake/admit.ts';
import { heartbeatOf } from './intake/key-ring.ts';
import { createTurns, type Turns } from './intake/turns.ts';
import { createVerifier, type Verifier } from './intake/verify.ts';
import { callerPolicy } from './local/callers.ts';
import { type Catalogue, openCatalogue } from './local/catalogue.ts';
import { createHistory } from './local/history.ts';
import { createLocalJobs } from './local/jobs.ts';
import { createLogTail } from './local/log-tail.ts';
import { createOffers } from './local/offers.ts';
import { serveLocal } from './local/serve.ts';
import { createMachineState, type MachineState } from './local/state.ts';
import { createSupport } from './local/support.ts';
import { createLiveSettings, type LiveSettings } from './machine/settings.ts';
import { openStore } from './open-store.ts';
import type { Tell } from './report/events.ts';
import { refusedResult } from './report/refused.ts';
import { createReport, type Report } from './report/report.ts';
import { createLauncher, type Launcher, type LauncherOptions } from './run/launch.ts';
import { keepPruning, takeStock } from './run/stock.ts';
import { createSupervisor, type Registry } from './run/supervise.ts';
import { createPrefetch } from './script/prefetch.ts';
import { createScripts, type ScriptSource } from './script/scripts.ts';
import type { CheckResults } from './store/check-results.ts';
import type { FleetView } from './store/fleet-cache.ts';
import type { Ledger } from './store/ledger.ts';
import { keepToasting } from './toast/toaster.ts';
import { type Boot, noBoot, tellOfRollback } from './update/boot.ts';
import { createUpdater, type Updater, type UpdaterOptions } from './update/updater.ts';
import { createLogAnswer } from './watch/agent-log.ts';
import { createTail } from './watch/tail.ts';

/** A running agent. Disposing of it stops taking orders and leaves running jobs running. */
export interface Agent extends AsyncDisposable {
  readonly pcId: string;
  /** Path of the local socket that is served. */
  readonly socket: string;
  readonly version: string;
  readonly broker: BrokerState;
  /** Resolves when another version stands in the place of this one, which is to end for it. */
  readonly replaced: Promise<void>;
}

export interface AgentLogs {
  readonly log: Logger;
  /** Where `log` writes, when operators may read it; the agent keeps it in its data directory. */
  readonly agentLog?: LogFile;
  /** How this program came to run, where it is one that replaces itself. */
  readonly boot?: Boot;
}

/**
 * Starts an agent; when this resolves, the local socket is served and the runs of an earlier agent are taken up. The
 * broker is connected in the background. Throws AgentError when it cannot start, with nothing left behind.
 */
export async function createAgent(config: AgentConfig, given: AgentLogs): Promise<Agent> {
  const { log, agentLog = createLogFile(() => undefined), boot = noBoot } = given;
  await using parts = new AsyncDisposableStack();
  const closing = new AbortController();
  const [{ pcId }, version] = [config, agentVersion()];
  const store = await openStore(config, { parts, log, agentLog });
  const { ledger, view, registry } = store;
  const settings = parts.use(createLiveSettings({ pcId, view, log }));
  const common = { ...store, settings, agentLog, pcId, version, log, signal: closing.signal };
  const report = createReport(common);
  const source = (): ScriptSource => link.scripts;
  const scripts = createScripts({ ...common, cache: store.scriptCache, source });
  const launcher = launcherOf(common, { config, report, textOf: scripts.textOf });
  const verifier = createVerifier({ ...common, onEvent: store.tell });
  const turns = createTurns(view, placesOf(settings), { again: verifier.again, hold: scripts.hold });
  const theLink = (): FleetLink => link;
  const after = createAfter(stepsOf(store, theLink), common);
  const supervisor = createSupervisor({ ...common, launcher, report, after, turns });
  const intake = intakeOf(common, { report, verifier, begin: supervisor.begin });
  const updater: Updater = parts.use(updaterOf({ ...common, boot, config }, () => ({ link, state })));
  const state = createMachineState({ ...common, pending: () => updater.pending });
  applySettings(settings, { turns, log, startLevel: config.logLevel });
  const offers = parts.use(createOffers(view, () => prefetch.kick()));
  const link: FleetLink = parts.use(
    createFleetLink({
      ...common,
      cache: view,
      access: config.access,
      provenance: () => ({ ...heartbeatOf(store.ring.current), ...updater.told() }),
      onOrders: intake.take,
      onStream: ledger.boundDoubt,
      onKill: (id) => registry.stop({ execId: id, runId: id }, 'operator'),
      onState: (next) => state.setOnline(next.kind === 'connected'),
      onOffers: offers.changed,
      onTail: createTail(common),
      onLogs: createLogAnswer(common),
    }),
  );
  const refresh = (id: string): Promise<void> => link.refresh('jobs', id);
  const catalogue = parts.use(openCatalogue({ dir: config.jobsDir, view, refresh, onChange: offers.changed, log }));
  const support = createSupport({ ...common, codes: view.supportCodes });
  const prefetch = createPrefetch({ ...common, scripts, source, offered: () => jobs.offered() });
  const jobs = createLocalJobs({ ...common, catalogue, intake, support, pin: prefetch.pin });
  const logTail = createLogTail(common);
  const broker = (): BrokerState => link.state;
  const diagnostics = createDiagnostics({ ...common, config, state, support, logTail, broker, store: link.store });
  const door = { ...doorOf(config), offers, support, diagnostics, history: createHistory(common), logTail };
  const local = parts.use(await serveLocal({ ...common, ...door, state, jobs }));

  // From here on nothing can fail: runs are taken up, orders are taken. The end goes the other way round.
  parts.defer(() => closing.abort(new Error('the agent ends')));
  const open = takeStock(common);
  parts.use(keepPruning({ ...common, onPrune: forgetWith(store, catalogue) }));
  supervisor.resume(open);
  keepToasting({ ...common, isServed: door.isServed });
  for (const part of [link, updater]) part.start();
  tellOfRollback(boot, common).then(updater.again);
  parts.use(tellOfLife(common));
  return asAgent({ pcId, version, socket: local.path, link, replaced: updater.replaced }, parts.move());
}

const asAgent = (
  { link, ...known }: Pick<Agent, 'pcId' | 'version' | 'socket' | 'replaced'> & { readonly link: FleetLink },
  parts: AsyncDisposableStack,
): Agent => ({
  ...known,
  get broker() {
    return link.state;
  },
  [Symbol.asyncDispose]: () => parts.disposeAsync(),
});

/** The steps behind a run, in their order. */
const stepsOf = (
  given: Omit<CollectOptions, 'store'> & EmitOptions & { readonly checks: CheckResults },
  link: () => Pick<FleetLink, 'store'>,
): Step[] => [
  createCheckStep(given.checks),
  createCollectStep({ ...given, store: async (file, signal) => (await link().store(file, signal)) === 'stored' }),
  createEmitStep(given),
];

/** What is forgotten with old runs: checks that no job has, archives that nobody brought away. */
const forgetWith =
  ({ checks, collectedDir }: { readonly checks: CheckResults; readonly collectedDir: string }, catalogue: Catalogue) =>
  async (nowMs: number): Promise<void> => {
    checks.forgetGone((name) => catalogue.list().some((job) => job.check?.name === name), nowMs);
    await pruneCollected(collectedDir, nowMs);
  };

function launcherOf(
  common: Omit<LauncherOptions, 'cwd' | 'textOf' | 'onStarted'> & { readonly registry: Registry },
  { config, report, textOf }: { config: AgentConfig; report: Report; textOf: LauncherOptions['textOf'] },
): Launcher {
  return createLauncher({
    ...common,
    cwd: config.cwd,
    textOf,
    onStarted(live, running) {
      const isTold = live.startedAtMs !== undefined;
      common.registry.started(live, running);
      if (!isTold) report.started(live.run, running.startedAtMs);
    },
  });
}

/** What sees to the version of this agent; a release is read through the link, which comes later. */
const updaterOf = (
  {
    boot,
    config,
    view,
    ...common
  }: Pick<UpdaterOptions, 'version' | 'settings' | 'tell' | 'log'> & {
    readonly boot: Boot;
    readonly config: AgentConfig;
    readonly view: FleetView;
  },
  later: () => { readonly link: FleetLink; readonly state: MachineState },
): Updater =>
  createUpdater({
    ...common,
    boot,
    load: async () => {
      const { createInstall } = await import('./update/install.ts');
      return createInstall({ boot, dataDir: config.dataDir, source: later().link.releases });
    },
    untilOnline: () => later().link.scripts.untilOnline(),
    reach: () => ({ heard: later().link.heard, beforeMs: view.age().asOfMs }),
    onChange() {
      later().link.beat();
      later().state.changed();
    },
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

const placesOf = ({ current }: LiveSettings): number => current.placesMax ?? availableParallelism();

/** What holds without a restart, beside what asks for its settings whenever it needs them. */
function applySettings(
  settings: LiveSettings,
  { turns, log, startLevel }: { turns: Turns; log: Logger; startLevel: AgentConfig['logLevel'] },
): void {
  const apply = (): void => {
    turns.resize(placesOf(settings));
    log.level = settings.current.logLevel ?? startLevel;
  };
  apply();
  settings.watch(apply);
}

const doorOf = ({ socket, localTrace: trace, allowOwnUser }: AgentConfig) => ({
  socket,
  trace,
  isServed: callerPolicy(allowOwnUser ? process.getuid?.() : undefined),
});

function tellOfLife({ tell, version }: { readonly tell: Tell; readonly version: string }): Disposable {
  tell('agent_started', { version });
  return { [Symbol.dispose]: () => tell('agent_stopped', { version }) };
}
