import { hostname } from 'node:os';
import type { Outbox } from '@kanade/outbox';
import { type Heartbeat, heartbeatSubject, pingSubject } from '@kanade/shared/fleet';
import { osFamily } from '@kanade/shared/fleet-words';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '../config/logger.ts';
import { createLastLogon, ownDisk } from '../machine/own-load.ts';
import type { LiveSettings } from '../machine/settings.ts';
import { createTicker } from '../machine/ticker.ts';

export interface HeartbeatOptions {
  readonly pcId: string;
  readonly version: string;
  /** When damage last cost the agent's file something, ms since 1970. */
  readonly lostAtMs: () => number | undefined;
  /** Records that are set apart are counted. */
  readonly outbox: Pick<Outbox, 'count'>;
  /** Whom this machine obeys, and which version it is to become. */
  readonly provenance: () => Partial<Heartbeat>;
  readonly settings: LiveSettings;
  readonly connection: () => NatsConnection | undefined;
  readonly log: Logger;
}

/** Signs of life: a heartbeat at once on each connect and then on a timer, and the answer to a ping. While there is no broker it rests. */
export function createHeartbeat(options: HeartbeatOptions) {
  const { pcId, version, lostAtMs, provenance, outbox, settings, connection, log } = options;
  const pulse = createPulse(pcId, version);
  const lastLogon = createLastLogon(log);
  const beat = async (): Promise<Heartbeat> => {
    const lostAt = lostAtMs();
    const { quarantined } = await outbox.count();
    const { conflicts } = settings.current;
    return {
      ...pulse(),
      ...lastLogon(),
      ...provenance(),
      ...(conflicts.length === 0 ? {} : { config_conflicts: [...conflicts] }),
      records_quarantined: quarantined.records,
      ...(lostAt === undefined ? {} : { state_lost_at: new Date(lostAt).toISOString() }),
    };
  };
  const heard = Promise.withResolvers<void>();
  let isHeard = false;
  const send = async (): Promise<void> => {
    const told = JSON.stringify(await beat());
    const open = connection();
    open?.publish(heartbeatSubject(pcId), told);
    if (!open || isHeard) return;
    await open.flush(); // the answer comes behind what was sent before
    isHeard = true;
    heard.resolve();
  };
  const publish = (): void => {
    if (!connection()) return;
    send().catch((error: unknown) => {
      log.debug({ err: error }, 'a heartbeat could not be sent'); // the connection went just now; the next one tells
    });
  };
  const ticker = createTicker(() => settings.current.heartbeatMs, publish);
  const unwatch = settings.watch(ticker.retime);
  return {
    /** Resolves when the broker has taken one. */
    heard: heard.promise,
    online: ticker.start,
    /** One more, because something changed that is not for later. */
    now: publish,
    away: ticker.stop,
    open(opened: NatsConnection): void {
      opened.subscribe(pingSubject(pcId), {
        callback: (error, message) => {
          if (error) return log.warn({ err: error }, 'pings cannot be answered');
          beat()
            .then((told) => message.respond(JSON.stringify(told)))
            .catch((fault: unknown) => log.warn({ err: fault }, 'a ping could not be answered'));
        },
      });
    },
    [Symbol.dispose]() {
      unwatch();
      ticker.stop();
    },
  };
}

/** Makes heartbeats; the share of processor time is that since the beat before, so the first one has none. */
function createPulse(pcId: string, version: string): () => Heartbeat {
  let last: { atMs: number; cpuMicros: number } | undefined;
  return () => {
    const { user, system } = process.cpuUsage();
    const now = { atMs: performance.now(), cpuMicros: user + system };
    const sinceMs = last ? now.atMs - last.atMs : 0;
    const cpuPct = last && sinceMs > 0 ? (now.cpuMicros - last.cpuMicros) / sinceMs / 10 : undefined;
    last = now;
    const family = osFamily(process.platform);
    return {
      pc_id: pcId,
      at: new Date().toISOString(),
      agent_version: version,
      hostname: hostname(),
      ...(family === undefined ? {} : { os_family: family }),
      ...(cpuPct === undefined ? {} : { agent_cpu_pct: Math.round(cpuPct * 100) / 100 }),
      agent_rss_bytes: process.memoryUsage.rss(),
      ...ownDisk(),
    };
  };
}
