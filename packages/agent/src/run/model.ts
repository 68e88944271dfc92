/** What a run is and how it ends, in the words that intake, run, report and the doors share. Imports none of them. */
import type { Excerpt, JobDir, StateFile } from '@kanade/runner';
import type { Command, StopSummary } from '@kanade/shared/fleet';
import type { Headers } from '@kanade/shared/fleet-words';
import type { Ending } from '@kanade/shared/job-words';
import type { RunStatus } from '@kanade/shared/local';

/** An order as it came in, byte for byte: what a signature of it is over. */
export interface Delivery {
  /** Subject it came on; `local` for a click. */
  readonly subject: string;
  readonly bytes: Uint8Array;
  /** The headers that sign it, as far as it has any. */
  readonly headers: Headers;
  /** Its place in the stream; undefined for what came live or from here. */
  readonly sequence?: number | undefined;
}

/** One execution of one accepted order. `runId` is also its result id. */
export interface Run {
  readonly runId: string;
  readonly pcId: string;
  readonly requestId: string;
  /** What `kill.<exec_id>` names; null for runs that no operator ordered. */
  readonly execId: string | null;
  readonly origin: 'fleet' | 'local';
  /** User key of the person who started it; null for fleet runs. */
  readonly owner: string | null;
  readonly command: Command;
  /** The run of which this one is the end: a finalizer has no order of its own. */
  readonly parentId?: string | undefined;
  /** Environment of its processes beside that of all jobs. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Who may ask for a run to stop. */
export type Stopper = 'user' | 'operator';

/** A run that has not ended, as it stands in the ledger. */
export interface OpenRun {
  readonly run: Run;
  readonly state: 'admitted' | 'launching' | 'running';
  /** Its job directory, since it is `launching`. */
  readonly jobId: string | undefined;
  /** The boot of the machine in which it was launched. */
  readonly boot: string | undefined;
  readonly stoppedBy: Stopper | undefined;
  /** How often it was started again. */
  readonly retries?: number | undefined;
  /** The job directory of the attempt before, which counts while nothing was started in the newest. */
  readonly earlierJobId?: string | undefined;
  /** When its first processes were started, in ms since 1970, once its start is told. */
  readonly startedAtMs?: number | undefined;
  /** The order as it was received, for whoever verifies it again; undefined where damage or an older version left none. */
  readonly received: Delivery | undefined;
}

/** The processes of a run: those of its newest attempt. */
export interface Running {
  readonly job: JobDir;
  /** Those of its first attempt. */
  readonly startedAtMs: number;
  /** How many attempts came before this one. */
  readonly attempt?: number;
  /** What it has printed, from an offset on. */
  readonly read: ReadOutput;
}

/** A run that this agent works on. */
export interface LiveRun {
  readonly run: Run;
  /** Set once its processes exist; stays through its retries. */
  readonly running: Running | undefined;
  /** When its first processes were started, in ms since 1970. */
  readonly startedAtMs: number | undefined;
  /** The first who asked for it to stop; seen by every phase before the launch. */
  readonly stoppedBy: Stopper | undefined;
  /** Fires when somebody asks for it to stop. */
  readonly stopSignal: AbortSignal;
}

/** Why a command is not run. The gate decides the exit code. */
export interface Refusal {
  readonly gate: 'staleness' | 'version_pin' | 'revoked' | 'deadline' | 'rejected' | 'unsupported' | 'no_exit_code';
  readonly message: string;
}

/** Of what nothing was started for a reason that no gate has. */
export const notStarted = (reason: string): Refusal => ({ gate: 'no_exit_code', message: `not started: ${reason}` });

/** Reads one stream of a job from an offset on. */
export type ReadOutput = (stream: 'stdout' | 'stderr', from: number, bytesMax: number) => Excerpt;

/** What became of a run: everything that its report is made of. */
export type Outcome =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Stopped before its processes existed. */
  | { readonly kind: 'stopped'; readonly by: Stopper }
  /** It could not be carried out; `startedAtMs` says that something had been started. */
  | { readonly kind: 'fault'; readonly error: unknown; readonly startedAtMs: number | undefined }
  /** Nobody knows whether it was started, or how it ended. */
  | { readonly kind: 'unknown'; readonly reason: string }
  | JobOutcome;

/** What a job that has ended leaves: its state (undefined when it cannot be read) and what it printed. */
export interface JobOutcome {
  readonly kind: 'job';
  readonly jobId: string;
  readonly state: StateFile | undefined;
  readonly read: ReadOutput;
  /** Resolves when what it printed outlives a power cut. */
  readonly flush?: () => Promise<void>;
  /** When its start was reported, if it was. */
  readonly startedAtMs?: number;
  /** What stopping it did, if somebody did while it ran. */
  readonly stop?: StopSummary | undefined;
  /** Of a run that is run again when it fails. */
  readonly retried?: Retried;
}

/** What became of the attempts behind the first. */
export interface Retried {
  /** How many were started; this outcome is that of the last. */
  readonly count: number;
  /** Who stopped the run between two attempts. */
  readonly stoppedBy?: Stopper;
  /** Why it was not started once more. */
  readonly refusal?: Refusal;
}

/** What the steps after a run made of what it left, for its report. */
export interface Aftermath {
  /** Stands in the result in place of what was printed. */
  readonly stdout?: string;
  /** Lines that go behind stderr. */
  readonly notes: readonly string[];
  /** Where the first bundle is in the object store `collections`. */
  readonly collectObject?: string;
  readonly bundles: readonly Bundle[];
  /** What goes into object stores before the result is sent. */
  readonly uploads?: readonly Upload[];
}

/** Files that a run collected, in one archive. */
export interface Bundle {
  /** In the object store `collections`. */
  readonly key: string;
  /** False while it only lies on this disk. */
  readonly uploaded: boolean;
  /** Paths on this machine. */
  readonly files: readonly string[];
}

/** An object that goes into a store before the result that names it is sent. */
export interface Upload {
  readonly store: string;
  readonly key: string;
  readonly source: UploadSource;
}

/** Where the bytes of an object are until they are in their store. */
export type UploadSource =
  /** What a job printed, its first `bytes`: as it goes into a result, with lines of ours behind it. */
  | {
      readonly kind: 'output';
      readonly jobId: string;
      readonly stream: 'stdout' | 'stderr';
      readonly bytes: number;
      readonly notes: readonly string[];
    }
  /** A file that nobody changes any more, by its path. */
  | { readonly kind: 'file'; readonly path: string };

/** Job directories that results are still made from. */
export interface HeldJobs {
  /** Runs whose result waits for the broker, and the directories that it needs. */
  readonly waitingRuns: ReadonlySet<string>;
  readonly waiting: ReadonlySet<string>;
  /** Directories of results that were delivered, and may have to be sent again. */
  readonly kept: ReadonlySet<string>;
}

/** What a run printed on one stream. */
export interface Printed {
  /** All of it, or as much of its beginning as a message carries. */
  readonly text: string;
  readonly isWhole: boolean;
  /** Bytes of it in the files of its job; 0 where it has none. */
  readonly bytes: number;
}

/** How one run ended, in the words of every door. */
export interface RunEnd {
  readonly ending: Ending;
  readonly status: RunStatus;
  readonly exitCode: number;
  /** True only for a policy skip; a failure to start is none. */
  readonly skipped: boolean;
  /** Where output that is too long for a message stays until it is delivered. */
  readonly jobId?: string;
  readonly stdout: Printed;
  readonly stderr: Printed;
  /** Lines of ours that go behind stderr. */
  readonly notes: readonly string[];
  /** The one of them that stands where no exit code tells the story. */
  readonly note?: string;
  readonly collectObject?: string;
  readonly uploads?: readonly Upload[];
  /** Runs that begin with this end, in the same commit. */
  readonly next?: readonly Run[];
  readonly stop?: StopSummary | undefined;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** Behind the words on a stop: what it left alive, if anything. */
export function leftAlive(stop: StopSummary | undefined): string {
  if (!stop || stop.survivors.length === 0) return '';
  return `; still alive: ${stop.survivors.map(({ pid, name }) => `${pid} ${name}`.trim()).join(', ')}`;
}
