/** What is served, and what a handler is asked. */
import type { Jobs } from '@kanade/runner';
import type { HttpBody, HttpQuery, HttpRouteName } from '@kanade/shared/http';
import type { Exchange } from '../listen/listener.ts';
import type { Config } from '../local/settings.ts';
import type { Silence } from './silence.ts';

/** What is served. */
export interface Room {
  readonly jobs: Jobs;
  /** The working directory of jobs that name none. */
  readonly cwd: string;
  readonly config: Config;
  /** Streams of events on which something is written now and then, so that nobody takes a silent one for dead. */
  readonly silence: Silence;
  /** What must be brought to its end even when its client has left. */
  readonly unfinished: Set<Promise<unknown>>;
}

/** A request that is understood. */
export interface Asked<N extends HttpRouteName> extends Pick<Exchange, 'request' | 'response' | 'signal'> {
  readonly room: Room;
  /** Segments of the path that stand for something. */
  readonly id: string;
  readonly stream: string;
  readonly query: HttpQuery<N>;
  readonly body: HttpBody<N>;
}
