/* The line to the agent, and what the page's server needs of it. */
import { type Client, type ClientEvent, type ClientState, connectClient, KlpError, type OnTrace } from '@kanade/klp';
import { dialLocal } from '@kanade/klp/socket';
import {
  type DiagnosticsPreview,
  type DiagnosticsResult,
  type HandshakeResult,
  isEnded,
  type JobProgress,
  type LocalErrorKind,
  type LocalFeature,
  localAddress,
  localContract,
  localListMax,
  type OutputPart,
  type OutputQuery,
  protocolVersions,
  type UnlockGrant,
  type UserInvokableJob,
} from '@kanade/shared/local';
import type { AgentEvent } from '../run/board.ts';
import type { AgentConnection, AgentLog, DiagnosticsWords, JobsOffered } from '../wire/page-event.ts';
import { withEnd } from './endings.ts';
import { askOffers, unlessUnknown } from './offers.ts';
import { createToldEndings } from './told-endings.ts';
import { wholeList } from './whole-list.ts';

/** What the page server needs of the agent. Every method rejects with {@link LinkError}, or with the signal's reason. */
export interface AgentLink {
  /** The jobs of this person, and how old the list is. */
  listJobs(options: AskOptions): Promise<JobsOffered>;
  /** Starts a job; the run's progress comes as events. */
  execute(jobId: string, options: AskOptions): Promise<{ run_id: string }>;
  /** Asks for the stop of a run with everything it started; its end comes as an event. */
  kill(runId: string, options: AskOptions): Promise<void>;
  /** A part of what a run has printed, from the disk of the machine. */
  readOutput(query: OutputQuery, options: AskOptions): Promise<OutputPart>;
  /** Confirms a notification; resolves to when. */
  acknowledge(id: string, options: AskOptions): Promise<{ acked_at: string }>;
  /** Takes a confirmation back. */
  withdraw(id: string, options: AskOptions): Promise<void>;
  /** Opens what a support code opens; resolves to everything that is open for this person. */
  unlock(code: string, options: AskOptions): Promise<readonly UnlockGrant[]>;
  /** Closes everything that support codes have opened. */
  lock(options: AskOptions): Promise<void>;
  /** What would be sent to whoever helps, for the person to read. */
  previewDiagnostics(words: DiagnosticsWords, options: AskOptions): Promise<DiagnosticsPreview>;
  /** Sends what was shown. */
  sendDiagnostics(preview: string, options: AskOptions): Promise<DiagnosticsResult>;
  /** The end of the agent's log. */
  readLog(options: AskOptions): Promise<AgentLog>;
}

interface AskOptions {
  readonly signal: AbortSignal;
}

/**
 * `away`: no agent to ask. `offline`: the agent cannot ask its broker, and would have to. `refused`: the agent does not want us. `not_allowed`: this user may not do that.
 * `not_found`: no such job or run. `too_many`: asked too often. `invalid`: the agent does not understand what was
 * asked. `internal`: the agent failed.
 */
export type LinkErrorCode =
  | 'away'
  | 'offline'
  | 'refused'
  | 'not_allowed'
  | 'not_found'
  | 'too_many'
  | 'invalid'
  | 'internal';

export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export interface LinkOptions {
  /** Socket or pipe of the agent. Defaults to the one of this system. */
  readonly socketPath: string | undefined;
  /** Version of this program, told in the handshake. */
  readonly version: string;
  readonly onEvent: (event: AgentEvent) => void;
  /** Called before `onEvent` hears of the same. */
  readonly onConnection?: (connection: AgentConnection) => void;
  /** Sees every message, for finding faults. */
  readonly onTrace?: OnTrace | undefined;
  /** What the agent sent that makes no sense, in words for the log. */
  readonly onFault: (message: string) => void;
}

/** The line to the agent: it connects by itself, again and again, until disposed or refused. */
export function openLink(options: LinkOptions): AgentLink & AsyncDisposable {
  const { socketPath, version, onEvent, onConnection, onTrace, onFault } = options;
  let told: AgentConnection = { phase: 'connecting' };
  const watched = new Set<string>();
  const endings = createToldEndings();
  const passOn = (progress: JobProgress): void => {
    const { run_id, status, truncated } = progress;
    const tell = (told: JobProgress): void => onEvent({ type: 'progress', progress: told });
    if (!endings.take(progress)) return;
    if (!isEnded(status)) watched.add(run_id);
    else if (watched.delete(run_id) && truncated === true) return void withEnd(client, progress).then(tell);
    tell(progress);
  };
  const client = connectClient({
    contract: localContract,
    dial: ({ signal }) => dialLocal({ path: socketPath ?? localAddress(process.platform), signal }),
    handshake: {
      client: 'kanade-client',
      client_version: version,
      protocol: [...protocolVersions],
      features: ['push.jobs', 'push.state', 'push.notifications', 'support.diagnostics'] satisfies LocalFeature[],
    },
    async onConnected({ call, handshake }) {
      await unlessUnknown(call('jobs.subscribe', { since: endings.since(Date.now()) }));
      await unlessUnknown(call('state.subscribe'));
      const snapshot = await unlessUnknown(call('state.snapshot'));
      if (snapshot) onEvent({ type: 'snapshot', snapshot });
      onEvent(await askOffers(call, handshake));
      for (const progress of await endedRuns(wholeList((cursor) => call('jobs.list', { cursor }))))
        onEvent({ type: 'ended', progress });
    },
    onPush(push) {
      if (push.method === 'jobs.progress') passOn(push.params);
      if (push.method === 'jobs.changed') onEvent({ type: 'offered' });
      if (push.method === 'state.changed') onEvent({ type: 'snapshot', snapshot: push.params.snapshot });
      if (push.method === 'notifications.new') onEvent({ type: 'notice', notice: push.params });
      if (push.method === 'notifications.amended') onEvent({ type: 'recalled', id: push.params.id });
    },
    onState(state) {
      const connection = toConnection(state);
      if (!connection || isSame(connection, told)) return;
      told = connection;
      onConnection?.(connection);
      onEvent({ type: 'connection', connection });
    },
    onTrace,
    onEvent(event) {
      const fault = faultWords(event);
      if (fault !== undefined) onFault(fault);
    },
  });
  return { ...createAsker(client), [Symbol.asyncDispose]: () => client.close() };
}

function createAsker(client: Client<typeof localContract>): AgentLink {
  const { call } = client;
  const translated = async <T>(asked: Promise<T>): Promise<T> => {
    try {
      return await asked;
    } catch (cause) {
      if (!(cause instanceof KlpError)) throw cause;
      const code = client.state.kind === 'refused' ? 'refused' : (codes.get(cause.kind) ?? 'internal');
      throw new LinkError(code, cause.message, { cause });
    }
  };
  return {
    listJobs: (options) => translated(wholeList((cursor) => call('jobs.list', { cursor }, options))),
    execute: (id, options) => translated(call('jobs.execute', { id }, options)),
    async kill(run_id, options) {
      await translated(call('jobs.kill', { run_id }, options));
    },
    readOutput: (query, options) => translated(call('jobs.output', query, options)),
    acknowledge: (id, options) => translated(call('notifications.ack', { id }, options)),
    async withdraw(id, options) {
      await translated(call('notifications.unack', { id }, options));
    },
    unlock: async (code, options) => (await translated(call('support.unlock', { code }, options))).grants,
    async lock(options) {
      await translated(call('support.lock', {}, options));
    },
    previewDiagnostics: (words, options) => translated(call('support.preview_diagnostics', { ...words }, options)),
    sendDiagnostics: (preview, options) => translated(call('support.upload_diagnostics', { preview }, options)),
    async readLog(options) {
      const asked = { lines: localListMax.logTailLines };
      const { lines, truncated } = await translated(call('system.log_tail', asked, options));
      return { lines, truncated: truncated === true };
    },
  };
}

/** The last runs that have ended. A list that cannot be had now costs no connection: whoever looks at the jobs asks again and hears why. */
async function endedRuns(listed: Promise<{ items: readonly UserInvokableJob[] }>): Promise<JobProgress[]> {
  try {
    const { items } = await listed;
    return items.flatMap(({ id, last_run }) =>
      last_run && isEnded(last_run.status) ? [{ ...last_run, job_id: id }] : [],
    );
  } catch (error) {
    if (error instanceof KlpError && error.kind !== 'Disconnected') return [];
    throw error;
  }
}

/** Undefined where nothing changes for the reader: each further attempt while the agent is away. */
function toConnection(state: ClientState<HandshakeResult>): AgentConnection | undefined {
  switch (state.kind) {
    case 'connecting':
      return undefined;
    case 'connected':
      return { phase: 'connected', agent: toIdentity(state.handshake) };
    case 'away':
      // The first attempt after a loss comes at once; mostly it succeeds.
      return state.retryInMs === 0 ? { phase: 'connecting' } : { phase: 'away', detail: messageOf(state.error) };
    case 'refused':
      return { phase: 'refused', detail: state.error.message };
    case 'closed':
      return { phase: 'closed' };
  }
}

/** Every failed attempt says `away` anew; the reader needs it once. */
function isSame(a: AgentConnection, b: AgentConnection): boolean {
  return a.phase === b.phase && a.phase !== 'connected' && JSON.stringify(a) === JSON.stringify(b);
}

function toIdentity({ agent_version, session, client_display_name }: HandshakeResult) {
  return { version: agent_version, pcId: session.pc_id, user: session.user, displayName: client_display_name };
}

function faultWords(event: ClientEvent): string | undefined {
  switch (event.kind) {
    case 'push_invalid':
      return `could not read a push ${event.method} of the agent: ${event.detail}`;
    case 'message_malformed':
    case 'anonymous_error':
      return `could not understand the agent: ${event.error.message}`;
    case 'callback_failed':
      return `could not handle ${event.callback}: ${messageOf(event.error)}`;
    default:
      return undefined;
  }
}

const codes: ReadonlyMap<string, LinkErrorCode> = new Map<LocalErrorKind | 'Disconnected', LinkErrorCode>([
  ['Disconnected', 'away'],
  ['AgentDisconnected', 'offline'],
  ['DeadlineExceeded', 'away'],
  ['Unauthorized', 'not_allowed'],
  ['NotFound', 'not_found'],
  ['RateLimit', 'too_many'],
  ['InvalidParams', 'invalid'],
  ['InvalidRequest', 'invalid'],
  ['MethodNotFound', 'invalid'],
  ['StaleProtocol', 'invalid'],
]);

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
