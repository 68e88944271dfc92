import type { Duplex } from 'node:stream';
import { type Connection, createUserRates, type Handlers, KlpError, type SendPush, serveConnection } from '@kanade/klp';
import {
  type AcceptVerdict,
  type LocalListener,
  type LocalPeer,
  listenLocal,
  SocketError,
  userPolicy,
} from '@kanade/klp/socket';
import { openTraceFile, type TraceFile } from '@kanade/klp/trace';
import { accountRow } from '@kanade/runner/process';
import {
  commonProtocol,
  type LocalErrorKind,
  type LocalFeature,
  localAddress,
  localContract,
  protocolVersions,
} from '@kanade/shared/local';
import { AgentError } from '../agent-error.ts';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { LiveSettings } from '../machine/settings.ts';
import type { Registry } from '../run/supervise.ts';
import { ProgressFeed } from './feed.ts';
import type { createLocalJobs } from './jobs.ts';
import type { createLogTail } from './log-tail.ts';
import type { MachineState } from './state.ts';

type Contract = typeof localContract;

export interface ServeLocalOptions {
  readonly socket: string | undefined;
  /** Serve this user and nobody else; otherwise the people of this machine. */
  readonly onlyUid: number | undefined;
  /** Where every frame is written down, if anywhere. */
  readonly trace: { readonly path: string; readonly bodies: boolean } | undefined;
  readonly version: string;
  readonly state: MachineState;
  readonly jobs: ReturnType<typeof createLocalJobs>;
  readonly registry: Registry;
  readonly settings: LiveSettings;
  readonly logTail: ReturnType<typeof createLogTail>;
  readonly log: Logger;
}

export interface LocalService extends AsyncDisposable {
  readonly path: string;
}

interface Session {
  readonly userKey: string;
  readonly feed: ProgressFeed;
  readonly states: StateSubscriptions;
}

const features: LocalFeature[] = ['push.jobs', 'push.state'];

/** Serves KLP on the local socket. Throws AgentError `socket_unavailable`. */
export async function serveLocal(options: ServeLocalOptions): Promise<LocalService> {
  const { log, onlyUid } = options;
  const connections = new Set<Connection<Contract>>();
  const handlers = handlersOf(options);
  const users = createUserRates();
  const trace = openTrace(options);
  let connectionCount = 0;

  function onConnection(duplex: Duplex, peer: LocalPeer): void {
    const connection: Connection<Contract> = serveConnection<Contract, LocalPeer, Session>(duplex, {
      contract: localContract,
      peer,
      handlers,
      userRate: users.of(peer.userKey),
      onTrace: trace?.trace(`${peer.userKey} #${++connectionCount}`),
      createSession: (scope) => ({
        userKey: peer.userKey,
        feed: new ProgressFeed({
          ...scope,
          owner: peer.userKey,
          registry: options.registry,
          onError: (error) => log.warn({ err: error, user: peer.userKey }, 'progress could not be pushed'),
        }),
        states: createStateSubscriptions(options, scope),
      }),
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
    accept: onlyUid === undefined ? userPolicy({ readPasswd: accountRow }) : onlyOne(onlyUid),
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
      onEvent: (event) => log.warn({ event }, 'local socket'),
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

const onlyOne =
  (uid: number) =>
  (peer: { uid: number }): AcceptVerdict =>
    peer.uid === uid ? { ok: true } : { ok: false, reason: 'this agent serves only the user who runs it' };

function handlersOf({
  version,
  state,
  jobs,
  settings,
  logTail,
}: ServeLocalOptions): Handlers<Contract, LocalPeer, Session> {
  return {
    'system.handshake': ({ protocol }, { peer }) => {
      const common = commonProtocol(protocol);
      if (common === undefined) {
        throw new KlpError(
          'StaleProtocol' satisfies LocalErrorKind,
          `offered ${protocol.join(', ')}, this agent speaks ${protocolVersions.join(', ')}`,
        );
      }
      const session = { user: peer.user, session_id: peer.uid, pc_id: state.snapshot().pc_id };
      const { displayName } = settings.current;
      const named = displayName === undefined ? {} : { client_display_name: displayName };
      return { protocol: common, agent_version: version, features, session, ...named };
    },
    'system.ping': () => ({ agent_time: new Date().toISOString() }),
    'system.version': () => ({ agent_version: version, target_agent_version: version }),
    'system.log_tail': (params, { peer }) => logTail(peer, params?.lines),
    'state.snapshot': () => state.snapshot(),
    'state.subscribe': (_, { session }) => ({ subscription: session.states.subscribe() }),
    'state.unsubscribe': ({ subscription }, { session }) => found(session.states.unsubscribe(subscription)),
    'jobs.list': (params, { session }) => ({ items: jobs.list(session, params?.category) }),
    'jobs.execute': async ({ id }, { session }) => ({ run_id: await jobs.execute(session, id) }),
    'jobs.kill': ({ run_id }, { session }) => {
      jobs.kill(session, run_id);
      return { requested_at: new Date().toISOString() };
    },
    'jobs.subscribe': (_, { session }) => ({ subscription: session.feed.subscribe() }),
    'jobs.unsubscribe': ({ subscription }, { session }) => found(session.feed.unsubscribe(subscription)),
  };
}

function found(existed: boolean): null {
  if (!existed) throw new KlpError('NotFound' satisfies LocalErrorKind, 'no such subscription');
  return null;
}

interface StateSubscriptions {
  subscribe(): string;
  unsubscribe(subscription: string): boolean;
}

/** However often a connection subscribes, it gets each change once. */
function createStateSubscriptions(
  { state, log }: ServeLocalOptions,
  { push, signal }: { push: SendPush<Contract>; signal: AbortSignal },
): StateSubscriptions {
  const subscriptions = new Set<string>();
  let count = 0;
  const unwatch = state.watch((snapshot) => {
    if (subscriptions.size === 0) return;
    push('state.changed', { snapshot, at: new Date().toISOString() }).catch((error: unknown) =>
      log.warn({ err: error }, 'a change of state could not be pushed'),
    );
  });
  signal.addEventListener('abort', unwatch, { once: true });
  return {
    subscribe() {
      const subscription = `sub-s-${++count}`;
      subscriptions.add(subscription);
      return subscription;
    },
    unsubscribe: (subscription) => subscriptions.delete(subscription),
  };
}
