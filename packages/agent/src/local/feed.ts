import type { SendOutcome, SendPush } from '@kanade/klp';
import type { JobProgress, localContract } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import { withNotes } from '../report/end-of.ts';
import { type ReadFrom, readChunk } from '../report/read-chunk.ts';
import { type LiveRun, leftAlive, type Printed, type RunEnd } from '../run/model.ts';
import type { Registry, RegistryEvent } from '../run/supervise.ts';
import { partOf } from '../watch/parts.ts';
import { cutForPush, cutNote } from './cut-for-push.ts';
import type { History } from './history.ts';
import type { Offers } from './offers.ts';
import { createSubscriptions, type PushSubscriptions } from './subscriptions.ts';

interface FeedOptions {
  readonly owner: string;
  readonly registry: Registry;
  readonly history: History;
  readonly offers: Pick<Offers, 'watch'>;
  readonly push: SendPush<typeof localContract>;
  readonly onError: (error: unknown) => void;
  /** Fires when the connection is gone. */
  readonly signal: AbortSignal;
}

/** How far into each stream of a run this connection is, in bytes. */
interface Position {
  readonly live: LiveRun;
  /** How many attempts came before the one that was read so far. */
  attempt: number | undefined;
  stdout: number;
  stderr: number;
  atEnd: boolean;
}

/** The progress of runs on one connection. What it has sent is remembered per connection, so a full queue loses nothing. */
export class ProgressFeed {
  private readonly options: FeedOptions;
  private readonly followed = new Map<string, Position>();
  /** Runs that were started on this connection: they are pushed whether or not it has subscribed. */
  private readonly started = new Set<string>();
  private readonly subscriptions: PushSubscriptions = createSubscriptions('j');
  private timer: NodeJS.Timeout | undefined;
  private isPushing = false;
  /** Set while it has subscribed. */
  private leaveOffers: (() => void) | undefined;

  constructor(options: FeedOptions) {
    this.options = options;
    const unwatch = options.registry.watch((event) => this.take(event));
    const leaveAll = (): void => {
      unwatch();
      this.leaveOffers?.();
      for (const runId of [...this.followed.keys()]) this.leave(runId);
    };
    options.signal.addEventListener('abort', leaveAll, { once: true });
  }

  /** Pushes this run, which was started on this connection, to its end, whether or not that has subscribed. */
  follow(live: LiveRun): void {
    if (!this.options.signal.aborted) this.started.add(live.run.runId);
    this.begin(live);
  }

  private begin(live: LiveRun): void {
    const { runId } = live.run;
    if (this.followed.has(runId) || this.options.signal.aborted) return;
    this.followed.set(runId, { live, attempt: undefined, stdout: 0, stderr: 0, atEnd: false });
    this.send(progressOf(live)).catch(this.options.onError);
    this.timer ??= setInterval(() => this.pushAll(), limits.pushEveryMs);
    this.pushAll();
  }

  /**
   * Pushes all runs of the owner, beginning with where the live ones stand, and the endings since `sinceMs` (ms since 1970) that may
   * have been missed. Returns the subscription's id.
   */
  subscribe(sinceMs: number): string {
    const { owner, registry, history, offers, onError, signal } = this.options;
    const subscription = this.subscriptions.subscribe();
    if (!signal.aborted) this.leaveOffers ??= offers.watch(() => this.tellChanged());
    for (const live of registry.all()) if (live.run.owner === owner) this.begin(live);
    this.sendAll(history(owner, sinceMs)).catch(onError);
    return subscription;
  }

  /** Throws KlpError `NotFound`. */
  unsubscribe(subscription: string): null {
    const left = this.subscriptions.unsubscribe(subscription);
    if (!this.subscriptions.isEmpty) return left;
    this.leaveOffers?.();
    this.leaveOffers = undefined;
    for (const runId of [...this.followed.keys()]) if (!this.started.has(runId)) this.leave(runId);
    return left;
  }

  private tellChanged(): void {
    const { push, onError } = this.options;
    push('jobs.changed', { at: new Date().toISOString() }).catch(onError);
  }

  private async sendAll(endings: Iterable<JobProgress>): Promise<void> {
    for (const ending of endings) if ((await this.send(ending)) === 'closed') return;
  }

  private take(event: RegistryEvent): void {
    const { owner, onError } = this.options;
    const { live } = event;
    if (event.kind === 'added') {
      if (!this.subscriptions.isEmpty && live.run.owner === owner) this.begin(live);
    } else if (this.followed.has(live.run.runId)) {
      if (event.kind === 'ended') this.leave(live.run.runId);
      this.send(event.kind === 'ended' ? lastOf(live, event.end) : progressOf(live)).catch(onError);
    }
  }

  private leave(runId: string): void {
    const position = this.followed.get(runId);
    if (position) position.atEnd = true;
    this.followed.delete(runId);
    this.started.delete(runId);
    if (this.followed.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private pushAll(): void {
    if (this.isPushing) return;
    this.isPushing = true;
    Promise.all([...this.followed.values()].map((position) => this.pushNew(position)))
      .catch(this.options.onError)
      .finally(() => {
        this.isPushing = false;
      });
  }

  /** Sends what is new of one run; what could not be queued is read again next time. */
  private async pushNew(position: Position): Promise<void> {
    const { live } = position;
    while (live.running && !position.atEnd) {
      const { read, attempt } = live.running;
      // Each attempt prints into files of its own.
      if (position.attempt !== attempt) Object.assign(position, { attempt, stdout: 0, stderr: 0 });
      const stdout = newOutput((from, bytesMax) => read('stdout', from, bytesMax), position.stdout);
      const stderr = newOutput((from, bytesMax) => read('stderr', from, bytesMax), position.stderr);
      if (stdout.text === '' && stderr.text === '') return;
      const isCut = stdout.from > position.stdout || stderr.from > position.stderr;
      const outcome = await this.send({ ...progressOf(live), ...chunks(stdout, stderr, isCut) }, true);
      if (outcome !== 'queued' || position.attempt !== live.running.attempt) return;
      position.stdout = stdout.end;
      position.stderr = stderr.end;
    }
  }

  private send(progress: JobProgress, droppable = false): Promise<SendOutcome> {
    return this.options.push('jobs.progress', progress, { droppable });
  }
}

interface NewOutput {
  readonly text: string;
  readonly from: number;
  readonly end: number;
}

/** What is new since `from`; when that is too much, the newest part of it. */
function newOutput(read: ReadFrom, from: number): NewOutput {
  const chunk = readChunk(read, from, limits.pushChunkBytesMax);
  if (chunk.totalBytes - from <= limits.pushLagBytesMax) return { ...chunk, from };
  const late = partOf(read, { from: undefined, bytesMax: limits.pushLagBytesMax, isEnded: false });
  return { text: late.text, from: late.from, end: late.to };
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
  const stdout = pushed(end.stdout);
  const stderr = pushed(end.stderr, notesFor(end));
  return {
    run_id: run.runId,
    job_id: run.command.id,
    status: end.status,
    exit_code: end.exitCode,
    ...(end.skipped ? { skipped: true } : {}),
    started_at: new Date(end.startedAtMs).toISOString(),
    finished_at: new Date(end.endedAtMs).toISOString(),
    ...chunks(stdout, stderr, stdout.isCut || stderr.isCut),
  };
}

/** Lines of ours behind stderr. That it was stopped is no news to whoever stopped it, unless something is left of it. */
function notesFor({ ending, stop, note, notes }: RunEnd): readonly string[] {
  const isOwnStop = ending.kind === 'killed' && ending.by === 'user' && leftAlive(stop) === '';
  return isOwnStop ? notes.filter((line) => line !== note) : notes;
}

/** What one stream printed, as it goes into the last push of a run. */
function pushed({ text, isWhole }: Printed, notes: readonly string[] = []): Chunk & { readonly isCut: boolean } {
  const whole = isWhole ? withNotes(text, notes) : text;
  const cut = cutForPush(whole);
  if (isWhole || cut !== text) return { text: cut, from: 0, isCut: cut !== whole };
  return { text: `${text}${cutNote(limits.pushOutputBytesMax)}`, from: 0, isCut: true };
}

type Chunk = Omit<NewOutput, 'end'>;

function chunks(stdout: Chunk, stderr: Chunk, isCut: boolean): Partial<JobProgress> {
  return {
    ...(stdout.text === '' ? {} : { stdout_chunk: stdout.text, stdout_from: stdout.from }),
    ...(stderr.text === '' ? {} : { stderr_chunk: stderr.text, stderr_from: stderr.from }),
    ...(isCut ? { truncated: true } : {}),
  };
}
