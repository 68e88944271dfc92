/** Automatic collection of old jobs, at the end of calls that make new ones. */
import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { JobError, type Jobs } from '@kanade/runner';
import type { Context, Options } from '../call/command.ts';
import { type Config, readConfig } from './settings.ts';

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

export const collectOptions = {
  'no-auto-gc': { kind: 'flag', help: 'delete no old jobs this time' },
  'auto-gc-older-than': {
    kind: 'text',
    value: 'D',
    help: `delete ended jobs older than this (default ${retentionDefault})`,
  },
  'auto-gc-max-jobs': { kind: 'count', value: 'N', help: 'keep this many of them' },
  'auto-gc-max-bytes': { kind: 'count', value: 'N', help: 'keep this many bytes of them' },
} as const;

/** Directories looked at and jobs deleted in one go (contract, section 7.1). */
const scanDefault = 200;
const deleteDefault = 20;

/** Without options of its own a root is collected at most this often, in ms: looking costs a call its speed. */
const everyMs = 60_000;

type CollectOptions = Options<typeof collectOptions>;

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

/** The call, and the jobs of its root. */
interface CollectedPlace {
  readonly context: Context;
  readonly jobs: Pick<Jobs, 'prune'>;
}

/** Deletes old jobs if it is time to. Never fails a call that has launched a job: stderr says what was wrong. */
export function collect(given: CollectOptions, config: Config, place: CollectedPlace): void {
  try {
    collectNow(given, config, place);
  } catch (error) {
    place.context.io.stderr(`warning: old jobs were not collected: ${(error as Error).message}\n`);
  }
}

function collectNow(given: CollectOptions, { gc }: Config, { context: { root }, jobs }: CollectedPlace): void {
  if (given['no-auto-gc']) return;
  const asked = ['auto-gc-older-than', 'auto-gc-max-jobs', 'auto-gc-max-bytes'].some(
    (name) => given[name as keyof CollectOptions] !== undefined,
  );
  if (!asked && !isDue(root)) return;
  if (!asked && gc.auto === false) return;
  const olderThanMs = parseRetention(given['auto-gc-older-than'] ?? gc.older_than ?? retentionDefault);
  touch(root);
  const maxJobs = given['auto-gc-max-jobs'] ?? gc.max_jobs;
  const maxBytes = given['auto-gc-max-bytes'] ?? gc.max_bytes;
  jobs.prune({
    olderThanMs,
    exclusive: true,
    scanMax: gc.scan_limit ?? scanDefault,
    deleteMax: gc.delete_limit ?? deleteDefault,
    ...(maxJobs === undefined ? {} : { maxJobs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
}

const stampOf = (root: string): string => join(root, '.gc.stamp');

function isDue(root: string): boolean {
  const last = statSync(stampOf(root), { throwIfNoEntry: false })?.mtimeMs;
  return last === undefined || Math.abs(Date.now() - last) > everyMs;
}

function touch(root: string): void {
  const now = new Date();
  try {
    utimesSync(stampOf(root), now, now);
  } catch {
    writeFileSync(stampOf(root), '', { mode: 0o600 });
  }
}
