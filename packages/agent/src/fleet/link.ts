/** Everything between this machine and its broker, joined: what comes in, what goes out, and how it stands. */
import type { BrokerAccess } from '@kanade/fleet/connection';
import type { Outbox } from '@kanade/outbox';
import { type Heartbeat, logsSubject, tailSubject } from '@kanade/shared/fleet';
import { headers as createHeaders, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import type { LiveSettings } from '../machine/settings.ts';
import type { ScriptSource } from '../script/scripts.ts';
import type { FleetCache } from '../store/fleet-cache.ts';
import type { ReleaseReads } from '../update/install.ts';
import type { AnswerQuestion } from '../watch/question.ts';
import { type Broker, type BrokerState, createBroker } from './connect.ts';
import { createFleetState, type FleetState } from './fleet-state.ts';
import { createHeartbeat } from './heartbeat.ts';
import { createNoticeFeed, type NoticeFeedOptions } from './notice-feed.ts';
import { createPerf } from './perf.ts';
import { createPublish, type PublishOptions } from './publish.ts';
import { createReceive, type ReceiveOptions } from './receive.ts';
import { createReleaseObjects } from './release-objects.ts';
import { createScriptObjects } from './script-objects.ts';
import { type StoredFile, storeFile } from './upload.ts';

export interface FleetLinkOptions extends Pick<ReceiveOptions, 'onOrders' | 'onStream' | 'onKill'> {
  readonly pcId: string;
  /** Undefined = no broker: nothing is ever sent or received. */
  readonly access: BrokerAccess | undefined;
  readonly cache: FleetCache;
  readonly outbox: Outbox;
  readonly notices: NoticeFeedOptions['notices'];
  readonly jobs: PublishOptions['jobs'];
  readonly version: string;
  /** When damage last cost the agent's file something, ms since 1970. */
  readonly lostAtMs: () => number | undefined;
  /** Whom this machine obeys, and which version it is to become, for heartbeats. */
  readonly provenance: () => Partial<Heartbeat>;
  readonly settings: LiveSettings;
  readonly onState: (state: BrokerState) => void;
  /** What the person here may start can be another: jobs or groups changed, or the broker came. */
  readonly onOffers: () => void;
  /** Answers who watches a run. */
  readonly onTail: AnswerQuestion;
  /** Answers who reads the agent's own log. */
  readonly onLogs: AnswerQuestion;
  readonly log: Logger;
  /** Fires when the agent ends; dispose of the link after it. */
  readonly signal: AbortSignal;
}

export interface FleetLink extends AsyncDisposable {
  readonly state: BrokerState;
  readonly refresh: FleetState['refresh'];
  /** Brings a file into an object store now. Never rejects. */
  store(file: { store: string; key: string; path: string }, signal: AbortSignal): Promise<StoredFile>;
  /** The scripts of the object store, and the releases in theirs. */
  readonly scripts: ScriptSource;
  readonly releases: ReleaseReads;
  /** Sends a heartbeat beside those that come anyway, if there is a broker. */
  beat(): void;
  /** Resolves when the broker has taken a heartbeat; undefined where there is no broker. */
  readonly heard: Promise<void> | undefined;
  /** Begins to connect and to deliver. Called once. */
  start(): void;
}

/** What an answer needs of a message besides its text, generously, in bytes. */
const answerFrameBytes = 4096;
/** What a message carries where the broker does not say, in bytes. */
const messageBytesDefault = 1024 * 1024;

/** Answers the questions that come on a subject. */
function answerOn(connection: NatsConnection, subject: string, answer: AnswerQuestion, log: Logger): void {
  connection.subscribe(subject, {
    callback: (error, message) => {
      if (error) return log.warn({ err: error, subject }, 'questions cannot be answered');
      const bytesMax = (connection.info?.max_payload ?? messageBytesDefault) - answerFrameBytes;
      answer(message.data, bytesMax)
        .then(({ body, headers = {} }) => {
          const carried = createHeaders();
          for (const [name, value] of Object.entries(headers)) carried.set(name, value);
          message.respond(body, { headers: carried });
        })
        .catch((fault: unknown) => log.warn({ err: fault, subject }, 'a question could not be answered'));
    },
  });
}

function answerQuestions(connection: NatsConnection, { pcId, onTail, onLogs, log }: FleetLinkOptions): void {
  answerOn(connection, tailSubject(pcId), onTail, log);
  answerOn(connection, logsSubject(pcId), onLogs, log);
}

export function createFleetLink(options: FleetLinkOptions): FleetLink {
  const { pcId, access, log } = options;
  let broker: Broker | undefined;
  let drained: Promise<void> | undefined;
  const shared = { ...options, connection: () => broker?.connection };
  const fleet = createFleetState({
    ...shared,
    onGroups() {
      for (const part of [receive, notices]) part.groupsChanged();
      options.onOffers();
    },
    onJobs: options.onOffers,
    onCurrent() {
      receive.current();
      options.onOffers();
    },
  });
  const receive = createReceive(shared);
  const [scripts, heartbeat] = [createScriptObjects(shared), createHeartbeat(shared)];
  const releases = createReleaseObjects({ ...shared, untilOnline: scripts.untilOnline });
  const notices = createNoticeFeed(shared);
  const perf = createPerf(shared);
  return {
    get state() {
      return broker?.state ?? { kind: access ? 'away' : 'none' };
    },
    refresh: fleet.refresh,
    store: (file, signal) => storeFile(broker?.connection, file, { log, signal }),
    ...{ scripts, releases, beat: heartbeat.now, heard: access && heartbeat.heard },
    start() {
      if (!access) options.cache.setContact('none');
      const publish = createPublish(shared);
      drained = publish.drained;
      broker = createBroker({
        access,
        name: `kanade-agent-${pcId}`,
        onOpen: (opened) => {
          for (const part of [fleet, receive, heartbeat, notices]) part.open(opened);
          answerQuestions(opened, options);
        },
        onOnline: (open) => {
          for (const part of [fleet, heartbeat, perf, scripts, notices]) part.online();
          publish.online(open);
          options.onOffers();
        },
        onState: (state) => {
          if (state.kind !== 'connected')
            for (const part of [fleet, receive, publish, heartbeat, perf, notices]) part.away();
          options.onState(state);
        },
        log,
      });
    },
    async [Symbol.asyncDispose]() {
      for (const part of [heartbeat, perf]) part[Symbol.dispose]();
      await broker?.[Symbol.asyncDispose]();
      await drained;
    },
  };
}
