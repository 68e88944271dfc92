/*
 * Words of a job that are no shapes: free of the schema library and of imports, because the command line starts in
 * milliseconds with this file and without zod (`@kanade/shared/job-words`).
 */

/** States that stand in `state.json`. `unknown` is produced on output only, never written. */
export const jobStates = ['created', 'running', 'exited', 'killed', 'failed'] as const;
export type StoredState = (typeof jobStates)[number];
export type JobState = StoredState | 'unknown';

/** States after which nothing more happens to a run. */
export const isTerminal = (state: JobState): boolean => state === 'exited' || state === 'killed' || state === 'failed';

/** Who asked for a run to stop. */
export type StopBy = 'user' | 'operator' | 'shutdown' | 'timeout';

/**
 * How a run ended. The list is closed; `lost` is never shown as success.
 * `killed` carries who asked for it, `not_started` the gate that refused it.
 */
export type Ending =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'signaled'; readonly signal: number }
  | { readonly kind: 'timed_out'; readonly exitCode?: number; readonly signal?: number }
  | {
      readonly kind: 'killed';
      readonly by: Exclude<StopBy, 'timeout'>;
      readonly exitCode?: number;
      readonly signal?: number;
    }
  | { readonly kind: 'not_started'; readonly reason: string }
  | { readonly kind: 'lost'; readonly reason: string };

/** Version text in every envelope and every file of a job. */
export const schemaVersion = '0.1';

/** First characters of a job id, for display. */
export const shortJobId = (jobId: string): string => jobId.slice(0, 7);

/** True when the text can name a job directory: a direct child of the root, never the root, its parent or another place. */
export const isJobName = (text: string): boolean => /^[A-Za-z0-9_-]{1,128}$/.test(text);

/** True when the text can name a queue: letters, digits, hyphens and underscores, a letter or digit first, at most 64. */
export const isQueueName = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(text);

/** True for a tag that may be stored: segments of letters, digits and hyphens, joined by dots. */
export const isTag = (text: string): boolean => /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(text);

/** True for a tag filter: a tag, or `prefix.*`, which matches the prefix and everything below it. */
export const isTagFilter = (text: string): boolean => isTag(text.endsWith('.*') ? text.slice(0, -2) : text);

/** Does a stored tag satisfy a filter? */
export function matchesTag(tag: string, filter: string): boolean {
  if (!filter.endsWith('.*')) return tag === filter;
  const prefix = filter.slice(0, -2);
  return tag === prefix || tag.startsWith(`${prefix}.`);
}

/** Whole-second UTC timestamp of the job directory and the command line: `YYYY-MM-DDTHH:MM:SSZ`. */
export function wholeSecond(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

interface JobErrorFacts {
  /** Which call it answers. */
  readonly when: string;
  /** Exit code of the command line; undefined where the code exists over HTTP only. */
  readonly exit?: number;
  /** Status over HTTP; undefined where the code exists on the command line only. */
  readonly http?: number;
  /** The same call may succeed later. */
  readonly retryable: boolean;
}

/** The error codes of the command line and its HTTP door (contract, section 3.0). Callers switch on the code, never on the message. */
export const jobErrors = {
  job_not_found: { when: 'no job has this id or prefix', exit: 1, http: 404, retryable: false },
  ambiguous_job_id: { when: 'several jobs have this prefix; details names them', exit: 1, http: 400, retryable: false },
  invalid_state: { when: 'the job is not in a state that allows this', exit: 1, http: 400, retryable: false },
  invalid_cursor: { when: 'the cursor is none, or of another job or version', exit: 1, http: 400, retryable: false },
  invalid_pattern: { when: 'the pattern is no expression that can be matched', exit: 1, http: 400, retryable: false },
  invalid_tag: { when: 'a tag was rejected after the arguments were parsed', exit: 1, http: 400, retryable: false },
  config_error: { when: 'the configuration file exists but cannot be read as one', exit: 1, retryable: false },
  stdin_required: { when: '--stdin - was given with a terminal as input', exit: 1, retryable: false },
  stdin_too_large: { when: 'the input passes its limit', exit: 1, http: 413, retryable: false },
  launch_failed: { when: 'the job could not be started', exit: 1, http: 500, retryable: false },
  io_error: {
    when: 'the disk takes no new job, or a file of a job cannot be read',
    exit: 1,
    http: 500,
    retryable: false,
  },
  root_full: { when: 'a limit of the jobs root is reached; details names it', exit: 1, http: 507, retryable: false },
  invalid_input: { when: 'a definition or a private invocation is malformed', exit: 1, http: 400, retryable: false },
  internal_error: { when: 'everything else', exit: 1, http: 500, retryable: false },
  serve_unsafe_bind: {
    when: 'an address beyond this machine without token file and TLS, or --insecure and a token',
    exit: 1,
    retryable: false,
  },
  invalid_config: {
    when: '--allow-origin names no origin, or certificate and key make no TLS',
    exit: 1,
    retryable: false,
  },
  token_unusable: { when: 'the token file is not there, no token, or readable by others', exit: 1, retryable: false },
  listen_failed: { when: 'the address cannot be listened on', exit: 1, retryable: false },
  invalid_request: { when: 'the request is not what the endpoint takes', http: 400, retryable: false },
  unauthorized: { when: 'the token is missing or wrong', http: 401, retryable: false },
  forbidden: {
    when: 'the request comes from a page of another site, or names another host',
    http: 403,
    retryable: false,
  },
  unknown_route: { when: 'there is nothing at this path', http: 404, retryable: false },
  method_not_allowed: { when: 'the path takes other methods; Allow names them', http: 405, retryable: false },
  body_too_large: { when: 'the body passes its limit', http: 413, retryable: false },
  wrong_content_type: { when: 'the body is not sent as application/json', http: 415, retryable: false },
  range_not_satisfiable: { when: 'the range begins behind the end of the log', http: 416, retryable: false },
  busy: { when: 'as many requests as are taken are being answered', http: 503, retryable: true },
  interrupted: { when: 'the program was asked to end; the job goes on', exit: 1, http: 503, retryable: true },
} as const satisfies Record<string, JobErrorFacts>;

export type JobErrorCode = keyof typeof jobErrors;

/** Where the HTTP door listens unless it is told otherwise (contract, section 8.1). */
export const servePort = 19_263;

/** Port of this machine on which `mcp --http` listens unless another is named. */
export const mcpPort = 19_264;

/** What `--compress` and `compression.default` take (contract, section 7.7). `off` gives no compression object; `auto` is not a mode. */
export const compressionModes = ['off', 'route', 'errors', 'tests', 'logs', 'git', 'json', 'summary'] as const;
export type CompressionMode = (typeof compressionModes)[number];
