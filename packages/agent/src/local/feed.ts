import type { SendPush } from '@kanade/klp';
import type { JobProgress, localContract } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import { cutForPush, type ReadFrom, readChunk } from '../report/output.ts';
import type { LiveRun, RunEnd } from '../run/model.ts';
import type { Registry } from '../run/registry.ts';

/** The progress of runs on one connection. What it has sent is remembered per connection, so a full queue loses nothing. */
export interface Feed {
  /** Pushes this run from now on, whether or not the connection has subscribed. */
  follow(live: LiveRun): void;
  /** Pushes all runs of the owner, beginning with where the live ones stand. Returns the subscription's id. */
  subscribe(): string;
  /** False when there is no such subscription. */
  unsubscribe(subscription: string): boolean;
}

interface FeedOptions {
  readonly owner: string;
  readonly registry: Registry;
  readonly push: SendPush<typeof localContract>;
  readonly onError: (error: unknown) => void;
  /** Fires when the connection is gone. */
  readonly signal: AbortSignal;
}

/** How far into each stream of a run this connection is, in bytes. */
interface Position {
  readonly live: LiveRun;
  stdout: number;
  stderr: number;
  atEnd: boolean;
}

export function createFeed({ owner, registry, push, onError, signal }: FeedOptions): Feed {
  const followed = new Map<string, Position>();
  const subscriptions = new Set<string>();
  let subscriptionCount = 0;
  let timer: NodeJS.Timeout | undefined;
  let isPushing = false;

  const send = (progress: JobProgress, droppable = false): Promise<'queued' | 'dropped' | 'closed'> =>
    push('jobs.progress', progress, { droppable });

  function follow(live: LiveRun): void {
    if (followed.has(live.run.runId) || signal.aborted) return;
    followed.set(live.run.runId, { live, stdout: 0, stderr: 0, atEnd: false });
    send(progressOf(live)).catch(onError);
    timer ??= setInterval(pushAll, limits.pushEveryMs);
    pushAll();
  }

  function leave(runId: string): void {
    const position = followed.get(runId);
    if (position) position.atEnd = true;
    followed.delete(runId);
    if (followed.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function pushAll(): void {
    if (isPushing) return;
    isPushing = true;
    Promise.all([...followed.values()].map(pushNew))
      .catch(onError)
      .finally(() => {
        isPushing = false;
      });
  }

  /** Sends what is new of one run; what could not be queued is read again next time. */
  async function pushNew(position: Position): Promise<void> {
    const { live } = position;
    while (live.running && !position.atEnd) {
      const { read } = live.running;
      const stdout = newOutput((from, bytesMax) => read('stdout', from, bytesMax), position.stdout);
      const stderr = newOutput((from, bytesMax) => read('stderr', from, bytesMax), position.stderr);
      if (stdout.text === '' && stderr.text === '') return;
      const outcome = await send({ ...progressOf(live), ...chunks(stdout.text, stderr.text) }, true);
      if (outcome !== 'queued') return;
      position.stdout = stdout.end;
      position.stderr = stderr.end;
    }
  }

  const unwatch = registry.watch((event) => {
    const { runId } = event.live.run;
    if (event.kind === 'added') {
      if (subscriptions.size > 0 && event.live.run.owner === owner) follow(event.live);
    } else if (followed.has(runId)) {
      if (event.kind === 'ended') leave(runId);
      send(event.kind === 'ended' ? lastOf(event.live, event.end) : progressOf(event.live)).catch(onError);
    }
  });
  signal.addEventListener(
    'abort',
    () => {
      unwatch();
      for (const runId of [...followed.keys()]) leave(runId);
    },
    { once: true },
  );

  return {
    follow,
    subscribe() {
      const subscription = `sub-j-${++subscriptionCount}`;
      subscriptions.add(subscription);
      for (const live of registry.all()) if (live.run.owner === owner) follow(live);
      return subscription;
    },
    unsubscribe: (subscription) => subscriptions.delete(subscription),
  };
}

function newOutput(read: ReadFrom, from: number): { text: string; end: number } {
  const chunk = readChunk(read, from);
  if (chunk.totalBytes - from <= limits.pushLagBytesMax) return chunk;
  return readChunk(read, chunk.totalBytes - limits.pushLagBytesMax);
}

function progressOf({ run, running }: LiveRun): JobProgress {
  return {
    run_id: run.runId,
    job_id: run.command.id,
    status: running ? 'running' : 'queued',
    ...(running ? { started_at: new Date(running.startedAtMs).toISOString() } : {}),
  };
}

function lastOf({ run }: LiveRun, end: RunEnd): JobProgress {
  return {
    run_id: run.runId,
    job_id: run.command.id,
    status: end.status,
    exit_code: end.exitCode,
    started_at: new Date(end.startedAtMs).toISOString(),
    finished_at: new Date(end.endedAtMs).toISOString(),
    ...chunks(cutForPush(end.stdout), cutForPush(end.stderr)),
  };
}

function chunks(stdout: string, stderr: string): Pick<JobProgress, 'stdout_chunk' | 'stderr_chunk'> {
  return { ...(stdout === '' ? {} : { stdout_chunk: stdout }), ...(stderr === '' ? {} : { stderr_chunk: stderr }) };
}
