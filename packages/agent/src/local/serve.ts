import type { Duplex } from 'node:stream';
import { type Connection, createUserRates, type Handlers, type SessionScope, serveConnection } from '@kanade/klp';
import { type AcceptVerdict, type LocalListener, type LocalPeer, listenLocal, SocketError } from '@kanade/klp/socket';
import { openTraceFile, type TraceFile } from '@kanade/klp/trace';
import { localAddress, localContract } from '@kanade/shared/local';
import { AgentError } from '../agent-error.ts';
import type { Logger } from '../config/logger.ts';
import { type Diagnostics, diagnosticsHandlers } from '../diagnostics/diagnostics.ts';
import { limits } from '../limits.ts';
import type { LiveSettings } from '../machine/settings.ts';
import type { Registry } from '../run/supervise.ts';
import type { Ledger } from '../store/ledger.ts';
import type { Notices } from '../store/notices.ts';
import { createDoorNotes } from './door-notes.ts';
import { ProgressFeed } from './feed.ts';
import type { History } from './history.ts';
import { jobsHandlers, type LocalJobs } from './jobs.ts';
import type { createLogTail } from './log-tail.ts';
import { notificationHandlers, pushNotices } from './notifications.ts';
import type { Offers } from './offers.ts';
import { behindRules, type Served } from './rules.ts';
import type { LocalContract, LocalHandlers, LocalSession } from './session.ts';
import { type MachineState, pushStates, stateHandlers } from './state.ts';
import { type Support, supportHandlers } from './support.ts';
import { systemHandlers } from './system.ts';

export interface ServeLocalOptions {
  readonly socket: string | undefined;
  /** Who is let in. */
  readonly isServed: (peer: { readonly uid: number }) => AcceptVerdict;
  /** Where every frame is written down, if anywhere. */
  readonly trace: { readonly path: string; readonly bodies: boolean } | undefined;
  readonly pcId: string;
  readonly version: string;
  readonly state: MachineState;
  readonly jobs: LocalJobs;
  readonly history: History;
  readonly offers: Offers;
  readonly support: Support;
  readonly diagnostics: Diagnostics;
  readonly notices: Notices;
  readonly registry: Registry;
  readonly settings: LiveSettings;
  readonly logTail: ReturnType<typeof createLogTail>;
  readonly ledger: Pick<Ledger, 'ownerOf'>;
  readonly log: Logger;
}

export interface LocalService extends AsyncDisposable {
  readonly path: string;
}

/** Serves KLP on the local socket. Throws AgentError `socket_unavailable`. */
export async function serveLocal(options: ServeLocalOptions): Promise<LocalService> {
  const { log } = options;
  const connections = new Set<Connection<LocalContract>>();
  const handlers = handlersOf(options);
  const users = createUserRates();
  const trace = openTrace(options);
  const noteAccount = accountNotes(options);
  let connectionCount = 0;

  function onConnection(duplex: Duplex, peer: LocalPeer): void {
    noteAccount(peer);
    const connection: Connection<LocalContract> = serveConnection<LocalContract, LocalPeer, LocalSession>(duplex, {
      contract: localContract,
      peer,
      handlers,
      userRate: users.of(peer.userKey),
      onTrace: trace?.trace(`${peer.userKey} #${++connectionCount}`),
      createSession: (scope) => sessionOf(options, scope),
      limits: { drainTimeoutMs: limits.closeConnectionsMs, lingerMs: limits.closeConnectionsMs },
      onEvent: (event) => {
        if (event.kind === 'handler_failed')
          log.error({ err: event.error, method: event.method }, 'a local request failed');
        else log.debug({ event, user: peer.userKey }, 'local connection');
      },
    });
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  }

  const listener = await listen(options, {
    accept: options.isServed,
    onConnection,
  });
  return {
    path: listener.path,
    async [Symbol.asyncDispose]() {
      await listener.close();
      await Promise.all([...connections].map((connection) => connection.close()));
      trace?.[Symbol.dispose]();
    },
  };
}

function sessionOf(
  { registry, history, offers, state, notices, log }: ServeLocalOptions,
  { peer, ...scope }: SessionScope<LocalContract, LocalPeer>,
): LocalSession {
  const { userKey } = peer;
  const onError = (error: unknown): void => log.warn({ err: error, user: userKey }, 'a push could not be sent');
  return {
    userKey,
    feed: new ProgressFeed({ ...scope, owner: userKey, registry, history, offers, onError }),
    states: pushStates(state, { ...scope, onError }),
    notices: pushNotices(notices, { ...scope, onError }),
  };
}

/** An account that was made anew under the number of another is somebody else: what was opened for that one, and shown to them, is over. */
function accountNotes({ support, diagnostics }: ServeLocalOptions): (peer: LocalPeer) => void {
  const names = new Map<string, string>();
  return ({ userKey, user }) => {
    const before = names.get(userKey);
    names.set(userKey, user);
    if (before === undefined || before === user) return;
    support.lock(userKey);
    diagnostics.forget(userKey);
  };
}

/** A trace that cannot be written must not keep the agent from its work. */
function openTrace({ trace, log }: ServeLocalOptions): TraceFile | undefined {
  if (!trace) return undefined;
  try {
    const file = openTraceFile(trace.path, trace);
    log.warn({ path: trace.path, bodies: trace.bodies }, 'every local message is written down');
    return file;
  } catch (error) {
    log.error({ err: error, path: trace.path }, 'local messages cannot be written down');
    return undefined;
  }
}

async function listen(
  { socket, log }: ServeLocalOptions,
  door: { accept: (peer: LocalPeer) => AcceptVerdict; onConnection: (duplex: Duplex, peer: LocalPeer) => void },
): Promise<LocalListener> {
  try {
    return await listenLocal({
      path: socket ?? localAddress(process.platform),
      contract: localContract,
      ...door,
      onEvent: createDoorNotes(log),
    });
  } catch (cause) {
    if (!(cause instanceof SocketError)) throw cause;
    throw new AgentError(
      'socket_unavailable',
      `serve the local socket: ${cause.message}; --socket chooses another path`,
      { cause },
    );
  }
}

/** Every method that the table serves, behind what the table asks of its callers. */
function handlersOf({
  pcId,
  version,
  state,
  jobs,
  ledger,
  settings,
  logTail,
  support,
  diagnostics,
  notices,
}: ServeLocalOptions): Handlers<LocalContract, LocalPeer, LocalSession> {
  const handlers: Pick<LocalHandlers, Served> = {
    ...systemHandlers({ pcId, version, settings, logTail, state }),
    ...stateHandlers(state),
    ...jobsHandlers(jobs),
    ...supportHandlers(support),
    ...diagnosticsHandlers(diagnostics),
    ...notificationHandlers(notices),
  };
  return behindRules(handlers, ledger.ownerOf);
}
