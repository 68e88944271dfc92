import { defineCommand, noWords, UsageError } from '../../call/command.ts';
import { jobsOf, parseRetention, retentionDefault } from '../../local/observation.ts';

export const gc = defineCommand({
  name: 'gc',
  summary: 'delete old ended jobs, of every directory',
  usage: '',
  options: {
    'older-than': {
      kind: 'text',
      value: 'D',
      help: `ended before this: 30d, 24h, 60m, 3600s (default ${retentionDefault})`,
    },
    'max-jobs': { kind: 'count', value: 'N', help: 'keep the newest N of these' },
    'max-bytes': { kind: 'count', value: 'N', help: 'delete the oldest of these until N bytes are left' },
    'dry-run': { kind: 'flag', help: 'only count what would go' },
  },
  notes: ['What a launch left that was killed before anything ran counts as a job that ended then.'],
  examples: ['kanade gc --older-than 7d --dry-run', 'kanade gc --max-jobs 1000'],
  async run(given, words, context) {
    const { root, contract } = context;
    const jobs = jobsOf(context);
    noWords(words);
    const olderThan = given['older-than'] ?? retentionDefault;
    const olderThanMs = parseRetention(olderThan);
    const dryRun = given['dry-run'] === true;
    const isLegacy = contract === '0.1.18';
    if (isLegacy && (given['max-jobs'] ?? given['max-bytes']) !== undefined)
      throw new UsageError('--max-jobs and --max-bytes did not exist in 0.1.18: leave them or --contract out');
    const fates = isLegacy
      ? (await import('../../local/legacy-gc.ts')).recordJobs(jobs, { olderThanMs, dryRun })
      : undefined;
    const report = jobs.prune({
      olderThanMs,
      dryRun,
      ...(given['max-jobs'] === undefined ? {} : { maxJobs: given['max-jobs'] }),
      ...(given['max-bytes'] === undefined ? {} : { maxBytes: given['max-bytes'] }),
    });
    return {
      type: 'gc',
      root,
      dry_run: dryRun,
      older_than: olderThan,
      older_than_source: given['older-than'] === undefined ? 'default' : 'flag',
      deleted: report.deleted,
      skipped: report.outOfScope + report.failed,
      out_of_scope: report.outOfScope,
      failed: report.failed,
      freed_bytes: report.freedBytes,
      scanned_dirs: report.scanned,
      candidate_count: report.candidates,
      ...(fates ? { legacy: { jobs: fates() } } : {}),
    };
  },
});
