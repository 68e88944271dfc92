/** Everything that can go wrong before a job can answer for itself. No schema library here: the command line's hot path imports it. */

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
  invalid_tag: { when: 'a tag was rejected after the arguments were parsed', exit: 1, retryable: false },
  config_error: { when: 'the configuration file exists but cannot be read as one', exit: 1, retryable: false },
  stdin_required: { when: '--stdin - was given with a terminal as input', exit: 1, retryable: false },
  stdin_too_large: { when: 'the input passes its limit', exit: 1, retryable: false },
  launch_failed: { when: 'the job could not be started', exit: 1, http: 500, retryable: false },
  io_error: { when: 'the disk takes no new job, or a file of a job cannot be read', exit: 1, retryable: false },
  root_full: { when: 'a limit of the jobs root is reached; details names it', exit: 1, http: 507, retryable: false },
  invalid_input: { when: 'a definition or a private invocation is malformed', exit: 1, retryable: false },
  internal_error: { when: 'everything else', exit: 1, http: 500, retryable: false },
  serve_unsafe_bind: {
    when: 'an address beyond this machine without --insecure and a token',
    exit: 1,
    retryable: false,
  },
  invalid_config: { when: 'serve --allow-origin *', exit: 1, retryable: false },
  invalid_request: { when: 'the request body is not what the endpoint takes', http: 400, retryable: false },
  unauthorized: { when: 'the token is missing or wrong', http: 401, retryable: false },
} as const satisfies Record<string, JobErrorFacts>;

export type JobErrorCode = keyof typeof jobErrors;
