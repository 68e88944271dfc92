/** Every kind of output: the name of what is done with it, the filter that does it, and which of its lines are errors. */
import { aws } from '../filter/aws.ts';
import { goDiagnostics, jsDiagnostics, pythonDiagnostics } from '../filter/diagnostics.ts';
import { env } from '../filter/env.ts';
import { failures, testFailures } from '../filter/failures.ts';
import { fileText } from '../filter/file-text.ts';
import { type Bounds, type CreateFilter, createBounded, summaryBounds } from '../filter/filter.ts';
import { forge } from '../filter/forge.ts';
import { gitBranch, gitMixed, gitPull, gitPush, gitStash, gitStatus } from '../filter/git.ts';
import { gitDiff } from '../filter/git-diff.ts';
import { gitLog } from '../filter/git-log.ts';
import { httpTransfer } from '../filter/http-transfer.ts';
import { jsonShape } from '../filter/json-shape.ts';
import { listing } from '../filter/listing.ts';
import { logs } from '../filter/logs.ts';
import { packages } from '../filter/packages.ts';
import { search } from '../filter/search.ts';
import { table } from '../filter/table.ts';
import { goTests, jsTests, pythonTests } from '../filter/test-summary.ts';
import type { ErrorRule } from '../line/error-line.ts';

interface KindFacts {
  readonly strategy: string;
  readonly create: CreateFilter;
  readonly errors: ErrorRule;
  /** What shows a stream in which the filter finds nothing. */
  readonly otherwise: Bounds;
  /** The strategy says `truncation` where a view is shorter (contract: all but the languages). */
  readonly saysTruncation: boolean;
  /** In front of error lines that the filter itself does not show. */
  readonly errorPrefix?: string;
}

const generic = (strategy: string, create: CreateFilter, errors: ErrorRule = 'message'): KindFacts => ({
  strategy,
  create,
  errors,
  otherwise: summaryBounds,
  saysTruncation: true,
});

const language = (strategy: string, create: CreateFilter): KindFacts => ({
  strategy,
  create,
  errors: 'message',
  otherwise: { first: 20, last: 10, bytes: 2_400 },
  saysTruncation: false,
});

const logLike: KindFacts = { ...generic('dedupe-normalized-log-lines', logs), errorPrefix: 'ERROR excerpt: ' };

export const kinds = {
  errors: generic('failure-focus', failures),
  tests: generic('test-failure-focus', testFailures),
  'cargo-test': generic('test-failure-focus', testFailures),
  logs: logLike,
  'docker-logs': logLike,
  'kubernetes-logs': logLike,
  'git-status': generic('git-status-summary', gitStatus, 'prefix'),
  'git-log': generic('git-log-summary', gitLog, 'prefix'),
  'git-diff': generic('git-diff-summary', gitDiff, 'prefix'),
  'git-show': generic('git-show-summary', gitDiff, 'prefix'),
  'git-push': generic('git-push-summary', gitPush, 'prefix'),
  'git-pull': generic('git-pull-summary', gitPull, 'prefix'),
  'git-branch': generic('git-branch-summary', gitBranch, 'prefix'),
  'git-stash': generic('git-stash-summary', gitStash, 'prefix'),
  git: generic('git-summary', gitMixed, 'prefix'),
  'docker-table': generic('docker-table-summary', table, 'prefix'),
  'kubernetes-table': generic('kubernetes-table-summary', table, 'prefix'),
  'psql-table': generic('psql-table-summary', table, 'prefix'),
  'github-cli': generic('github-cli-summary', forge),
  'gitlab-cli': generic('gitlab-cli-summary', forge),
  aws: generic('aws-safe-summary', aws, 'prefix'),
  'http-transfer': generic('http-progress-filter', httpTransfer, 'log'),
  search: generic('search-summary', search, 'prefix'),
  list: generic('directory-grouping', listing, 'prefix'),
  'file-text': generic('head-tail-text-summary', fileText, 'log'),
  env: generic('env-mask-and-prefix-group', env, 'prefix'),
  json: generic('json-structure', jsonShape, 'log'),
  'json-structure': generic('json-structure', jsonShape, 'log'),
  typescript: language('js-diagnostic-grouping', jsDiagnostics),
  'js-lint': language('js-diagnostic-grouping', jsDiagnostics),
  'python-lint': language('python-diagnostic-grouping', pythonDiagnostics),
  'python-typecheck': language('python-diagnostic-grouping', pythonDiagnostics),
  'go-diagnostics': language('go-diagnostic-grouping', goDiagnostics),
  'js-test': language('js-test-summary', jsTests),
  'python-test': language('python-test-summary', pythonTests),
  'go-test': language('go-test-summary', goTests),
  'js-packages': language('js-package-summary', packages),
  'python-packages': language('python-package-summary', packages),
  summary: generic('bounded-summary', createBounded(summaryBounds)),
} as const satisfies Record<string, KindFacts>;

export type Kind = keyof typeof kinds;

/** The kind that a mode asks for; `route` leaves it to the command and to the looks of the output. */
export const kindOfMode = {
  errors: 'errors',
  tests: 'tests',
  logs: 'logs',
  git: 'git',
  json: 'json',
  summary: 'summary',
} as const;
