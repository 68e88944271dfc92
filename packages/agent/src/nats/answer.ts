import { type Heartbeat, heartbeatSubject, pingSubject } from '@kanade/shared/fleet';
import type { NatsConnection } from '@nats-io/transport-node';
import { limits } from '../limits.ts';
import type { Logger } from '../logger.ts';

export interface AnswerOptions {
  readonly pcId: string;
  readonly beat: () => Heartbeat;
  readonly connection: () => NatsConnection | undefined;
  readonly log: Logger;
}

/** Signs of life: a heartbeat at once on each connect and then on a timer, and the answer to a ping. */
export function createAnswer({ pcId, beat, connection, log }: AnswerOptions) {
  const publish = (): void => {
    connection()?.publish(heartbeatSubject(pcId), JSON.stringify(beat()));
  };
  const timer = setInterval(publish, limits.heartbeatEveryMs);
  timer.unref();
  return {
    online: publish,
    open(opened: NatsConnection): void {
      opened.subscribe(pingSubject(pcId), {
        callback: (error, message) => {
          if (error) log.warn({ err: error }, 'pings cannot be answered');
          else message.respond(JSON.stringify(beat()));
        },
      });
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
