/**
 * The files of a job directory, and which role writes each. One writing role at a time:
 *
 * | file          | written by                                   | what is true in it                                  |
 * |---------------|----------------------------------------------|-----------------------------------------------------|
 * | `meta.json`   | creator, later the tag and notify setters    | the definition; replaced whole                      |
 * | `state.json`  | creator → launcher → settler                 | where the job stands; replaced whole                |
 * | `stdout.log`  | the workload itself                          | raw bytes; nobody else writes after the launch      |
 * | `stderr.log`  | the workload itself                          | the same                                            |
 * | `ending`      | the shim                                     | pid, then the exit status (see `process/shim.ts`)   |
 * | `full.log`    | keeper while the job runs, settler             | a view for people; can be made again                |
 * | `full.offsets` | whoever writes `full.log`, under its lock    | how far the streams stand in it (see `output/line-log.ts`) |
 * | `masked-env.json` | creator                                  | variables whose values are not shown: `KEY=VALUE` each |
 * | `stdin.bin`   | creator                                      | input of the workload                               |
 * | `stop.json`   | whoever asks for the stop, before any signal | who asked, when, with which signal                  |
 * | `control-group` | keeper, launcher                            | path of the control group that the tree was put into |
 * | `omitted.json` | keeper                                       | ranges of the raw logs that were given back to the disk |
 * | `completion_event.json`, `notification_events.ndjson`, `followed.json` | keeper | what was reported, and how far output was read |
 */
import { join } from 'node:path';

export const jobFiles = {
  meta: 'meta.json',
  state: 'state.json',
  stdout: 'stdout.log',
  stderr: 'stderr.log',
  full: 'full.log',
  record: 'ending',
  stdin: 'stdin.bin',
  stop: 'stop.json',
  completion: 'completion_event.json',
  matches: 'notification_events.ndjson',
  followed: 'followed.json',
  omitted: 'omitted.json',
  controlGroup: 'control-group',
  fullOffsets: 'full.offsets',
  masked: 'masked-env.json',
} as const;
export type JobFile = keyof typeof jobFiles;

/** The raw logs. */
export const logStreams = ['stdout', 'stderr'] as const;
export type LogStream = (typeof logStreams)[number];

/** One job directory by its full path. */
export interface JobDir {
  readonly id: string;
  readonly path: string;
}

export const pathOf = (job: JobDir, file: JobFile): string => join(job.path, jobFiles[file]);

/** Directory below a root that holds what the keeper needs; its name cannot be a job id. */
export const keeperDirName = '.host';

/** Limits of this package; each with its unit. */
export const limits = {
  /** Bytes of a `meta.json`, `state.json` or record that are read. */
  recordFileBytes: 4 * 1024 * 1024,
  /** Bytes of an excerpt of a log, whatever was asked for (256 MiB); its range says what was read. */
  excerptBytes: 256 * 1024 * 1024,
  /** Bytes of a job's input. */
  stdinBytes: 64 * 1024 * 1024,
  /** Bytes of both raw logs of a job together (16 GiB): a build never gets there, a runaway job does in a minute. */
  logBytes: 16 * 1024 ** 3,
  /** Jobs of one root. */
  jobs: 100_000,
  /** Draws of a fresh id before giving up. */
  idDraws: 16,
  /** Longest time for a notification command, in ms. */
  sinkMs: 60_000,
  /** Bytes of a line that is matched; a longer one is matched in pieces. */
  matchLineBytes: 64 * 1024,
  /** Slow poll behind every watch, in ms, for file systems where watching does not work. */
  safetyPollMs: 1_000,
} as const;
