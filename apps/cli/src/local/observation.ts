/** Local commands that start a job observe it first, and delete old ones afterwards: their options, and what these mean. */
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JobDir, JobError, type Jobs, type Launched, openJobs, type RootLimits } from '@kanade/runner';
import { type Answer, type Context, type Options, UsageError } from '../call/command.ts';
import { askedMode, compressOptions, withCompression } from '../compress/compress.ts';
import { excerptBytes, tailsOf } from '../door/excerpts.ts';
import { answerLaunched, observeSeconds } from '../door/launched.ts';
import type { Io } from '../io.ts';
import { type Config, readConfig } from './settings.ts';

/** The jobs of this call; their keeper is a process of its own, because this call comes and goes. */
export const jobsOf = ({ root, io }: Pick<Context, 'root' | 'io'>, limits?: RootLimits): Jobs =>
  openJobs(root, { keeper: 'process', env: io.env, ...(limits ? { limits } : {}) });

/** Who lets a shell decide by the ending of a job. */
export const exitCodeOption = {
  'exit-code': {
    kind: 'optional',
    value: 'true|false',
    values: ['true', 'false'],
    help: 'exit as the job did: its code, 128 and the signal, 124 after its timeout; 125 when it has not ended well otherwise',
  },
} as const;

/** How long ended jobs are kept when nobody says otherwise. */
export const retentionDefault = '30d';

const unitMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, '': 1_000 } as const;

/** Milliseconds of a retention such as `30d`, `12h`, `90m`, `45s` or bare seconds. Throws `internal_error` for anything else. */
export function parseRetention(text: string): number {
  const match = /^(\d{1,10})([dhms]?)$/.exec(text.trim());
  if (!match)
    throw new JobError(
      'internal_error',
      `not a duration: ${JSON.stringify(text)}; give 30d, 24h, 60m, 3600s or plain seconds`,
    );
  return Number(match[1]) * unitMs[(match[2] ?? '') as keyof typeof unitMs];
}

const collectOptions = {
  'no-auto-gc': { kind: 'flag', help: 'delete no old jobs this time' },
  'auto-gc-older-than': {
    kind: 'text',
    value: 'D',
    help: `delete ended jobs older than this (default ${retentionDefault})`,
  },
  'auto-gc-max-jobs': { kind: 'count', value: 'N', help: 'keep this many of them' },
  'auto-gc-max-bytes': { kind: 'count', value: 'N', help: 'keep this many bytes of them' },
} as const;

export const observationOptions = {
  wait: {
    kind: 'optional',
    value: 'true|false',
    values: ['true', 'false'],
    help: 'observe the job before answering (default true)',
  },
  until: { kind: 'count', value: 'N', help: `observe for at most N seconds (default ${observeSeconds})` },
  forever: { kind: 'flag', help: 'observe until the end' },
  'no-wait': { kind: 'flag', help: 'answer at once' },
  'max-bytes': {
    kind: 'count',
    value: 'N',
    help: `bytes of output per stream in the answer (default ${excerptBytes})`,
  },
  ...exitCodeOption,
  ...compressOptions,
  ...collectOptions,
} as const;

type ObservationOptions = Options<typeof observationOptions>;

export function checkObservation(given: ObservationOptions): void {
  if (given.forever && given.until !== undefined) throw new UsageError('--until and --forever exclude each other');
  askedMode(given);
}

interface Observed {
  readonly type: 'run' | 'start' | 'restart';
  readonly given: ObservationOptions;
  readonly jobs: Jobs;
  readonly launched: Launched;
  readonly context: Context;
  readonly config: Config;
}

/** Observes as the options say and answers. */
export async function observeAndAnswer({ type, given, jobs, launched, context, config }: Observed): Promise<Answer> {
  const { startedMs, onWaiting } = context;
  const observes = given['no-wait'] !== true && given.wait !== false;
  const until = observes ? (given.forever ? 'forever' : given.until) : 'none';
  const bytesMax = given['max-bytes'];
  const answer = await answerLaunched(jobs, launched, { type, startedMs, until, bytesMax, onWaiting });
  // The job runs: that its log cannot be read now is no reason to keep its id from the caller.
  const orAsItIs = (error: Error): Answer => {
    context.io.stderr(`warning: the output was not compressed: ${error.message}\n`);
    return answer;
  };
  const shown = withCompression(answer, { given, configured: config.compression, jobs, context });
  return {
    ...(shown instanceof Promise ? await shown.catch(orAsItIs) : shown),
    ...(context.contract === '0.1.18' ? { legacy: legacyOf(jobs, launched.job, given) } : {}),
  };
}

/** 0.1.18 showed the ends of the logs, and told an ending only to who had asked to wait for it. */
const legacyOf = (jobs: Jobs, job: JobDir, given: ObservationOptions): Record<string, unknown> => ({
  waited: given['no-wait'] !== true && (given.wait === true || given.forever === true),
  ...(given['no-wait'] === true || given.wait === false ? {} : { tails: tailsOf(jobs, job) }),
});

/** Directories looked at and jobs deleted in one go (contract, section 7.1). */
const scanDefault = 200;
const deleteDefault = 20;

/** Without options of its own a root with more jobs than {@link fewJobs} is collected at most this often, in ms: looking costs a call its speed. */
const everyMs = 60_000;

/** So many are looked at in less than a millisecond. */
const fewJobs = 10;

type CollectOptions = Partial<Options<typeof collectOptions>>;

/**
 * Reads the configuration and checks what the options say about collection, before a job is launched: afterwards it is
 * too late for an error. Throws `config_error`, and `internal_error` for a retention that is none.
 */
export async function prepareCollection(given: CollectOptions, { io }: Context, configPath?: string): Promise<Config> {
  const config = await readConfig(io.env, configPath);
  const olderThan = given['auto-gc-older-than'] ?? config.gc.older_than;
  if (olderThan !== undefined) parseRetention(olderThan);
  return config;
}

/** Whose root is collected, and who is told what was wrong. */
interface CollectedPlace {
  readonly jobs: Pick<Jobs, 'root' | 'prune'>;
  readonly io: Pick<Io, 'stderr'>;
}

/** Deletes old jobs if it is time to. Never fails a call that has launched a job: stderr says what was wrong. */
export function collect(given: CollectOptions, config: Config, { jobs, io }: CollectedPlace): void {
  try {
    collectNow(given, config, jobs);
  } catch (error) {
    io.stderr(`warning: old jobs were not collected: ${(error as Error).message}\n`);
  }
}

function collectNow(given: CollectOptions, { gc }: Config, jobs: CollectedPlace['jobs']): void {
  if (given['no-auto-gc']) return;
  const asked = ['auto-gc-older-than', 'auto-gc-max-jobs', 'auto-gc-max-bytes'].some(
    (name) => given[name as keyof CollectOptions] !== undefined,
  );
  if (!asked && gc.auto === false) return;
  const olderThanMs = parseRetention(given['auto-gc-older-than'] ?? gc.older_than ?? retentionDefault);
  if (!asked && !isDue(jobs.root, olderThanMs)) return;
  const maxJobs = given['auto-gc-max-jobs'] ?? gc.max_jobs;
  const maxBytes = given['auto-gc-max-bytes'] ?? gc.max_bytes;
  const { scanned } = jobs.prune({
    olderThanMs,
    exclusive: true,
    scanMax: gc.scan_limit ?? scanDefault,
    deleteMax: gc.delete_limit ?? deleteDefault,
    ...(maxJobs === undefined ? {} : { maxJobs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  if (scanned > fewJobs) touch(jobs.root);
}

const stampOf = (root: string): string => join(root, '.gc.stamp');

/** A root that had few jobs has no stamp. A job is not kept much longer than it was asked for. */
function isDue(root: string, olderThanMs: number): boolean {
  const last = statSync(stampOf(root), { throwIfNoEntry: false })?.mtimeMs;
  return last === undefined || Math.abs(Date.now() - last) > Math.min(everyMs, olderThanMs);
}

function touch(root: string): void {
  const now = new Date();
  try {
    utimesSync(stampOf(root), now, now);
  } catch {
    writeFileSync(stampOf(root), '', { mode: 0o600 });
  }
}
