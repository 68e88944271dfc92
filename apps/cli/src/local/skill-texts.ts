/** The built-in skill, file by file. */
import { calledAs } from '../call/command.ts';

export const skillName = 'agent-exec';

const skill = `---
name: agent-exec
description: Run commands as jobs that outlive the call, with one JSON answer. Use it for builds, tests, servers and everything that may take longer than a few seconds.
---

# agent-exec

MCP first: where your host gives you tools of this program (\`run\`, \`status\`, \`tail\`, \`wait\`, \`kill\`), use them; their answers are the ones below. This version brings
no MCP server of its own, so usually there are none. Then use the command line from your shell (\`kanade\` and \`agent-exec\` are two names of it). Every call prints
one line of JSON on stdout.

1. \`kanade run -- COMMAND [ARGS...]\` starts a job and observes it for up to 10 s. Read \`state\`: \`exited\`, \`killed\` and \`failed\` are
   endings; \`running\` means that the job lives on. \`stdout\` and \`stderr\` hold the beginning of its output.
2. Still running? \`kanade wait --until 60 JOB_ID\` waits for the end and answers with the end of the output.
   \`kanade tail JOB_ID\` only looks. Do not sleep and poll.
3. The job's own result is \`exit_code\`. The exit code of the program itself is 0 when it answered, 1 with an error object, 2
   when the call made no sense. With \`--exit-code\`, \`run\` and \`wait\` exit as the job did.

\`\`\`sh
kanade run --timeout 600 --tag build -- make release
# {"ok":true,"type":"run","job_id":"3f2a9c1e…","state":"running","stdout":"cc -c main.c\\n",…}
kanade wait --until 600 3f2a9c1
# {"ok":true,"type":"wait","job_id":"3f2a9c1e…","state":"exited","exit_code":2,"stderr":"main.c:7: error: …\\n",…}
\`\`\`

Rules

- Keep the \`job_id\`. A prefix that only one job has is enough. \`kanade list\` shows the jobs of the current directory.
- Use \`kanade kill JOB_ID\` only when the user asks for it. A job that is merely slow is waited for.
- Give \`--timeout N\` (seconds) to what may hang. Give secrets with \`--env KEY=VALUE --mask KEY\`.
- Several words are one program and its arguments; one word is a shell string: \`kanade run 'make && make test'\`.
- A server that should stay: \`kanade run --no-wait --tag server -- COMMAND\`; look with \`kanade tail\`, stop it when the user asks.
- Input: \`--stdin TEXT\`, \`--stdin-file PATH\`, or a pipe into \`kanade run\`.

More: references/cli-contract.md, references/completion-events.md, references/openclaw.md.
`;

const contract = `# The command line in short

| command | does |
|---|---|
| \`run [OPTIONS] -- COMMAND\` | start, observe, answer; \`--until N\`, \`--forever\`, \`--no-wait\`, \`--timeout N\`, \`--tag T\` |
| \`create\`, \`start JOB_ID\` | define now, start later |
| \`restart JOB_ID\` | stop it if it runs, and run it again under the same id |
| \`status JOB_ID\` | where it stands |
| \`wait JOB_ID\` | until the end, 30 s by default; \`--until N\`, \`--forever\` |
| \`tail JOB_ID\` | the last 50 lines of each stream; \`--lines N\`, \`--max-bytes N\` |
| \`kill JOB_ID\` | the job and everything it started; only on the user's request |
| \`list\`, \`ps\` | jobs of this directory; \`--all\` for every directory, \`--state S\`, \`--tag T\` |
| \`tag set JOB_ID --tag T\` | replace its tags |
| \`notify set JOB_ID\` | change who is told about it |
| \`delete JOB_ID\`, \`gc\` | remove ended jobs |
| \`doctor\` | check the installation |
| \`help COMMAND\` | all options, with examples |

States: \`created\`, \`running\`, \`exited\` (has \`exit_code\`), \`killed\` (has \`signal\`), \`failed\` (could not start, or was lost: \`error\` says why).

Every answer: \`schema_version\`, \`ok\`, \`type\`, then its own fields. \`run\`, \`start\` and \`restart\` show the beginning of the output, \`wait\` and \`tail\` the end;
\`stdout_range\` and \`stdout_total_bytes\` say which part of how much. The whole output is in the files \`stdout_log_path\` and \`stderr_log_path\`.

\`\`\`json
{"schema_version":"0.1","ok":true,"type":"run","job_id":"3f2a9c1e5d7b4a6f8c0d1e2f3a4b5c6d","state":"exited","exit_code":0,"stdout":"hi\\n","stderr":"","duration_ms":4}
\`\`\`

Errors: \`{"ok":false,"type":"error","error":{"code","message","retryable"}}\`. Codes to expect: \`job_not_found\`, \`ambiguous_job_id\`
(\`details.candidates\`), \`invalid_state\`, \`stdin_required\`, \`stdin_too_large\`, \`config_error\`, \`root_full\`, \`internal_error\`.
`;

const events = `# Completion events

\`run --notify-file PATH\` appends one JSON line when the job ends; \`--notify-command CMD\` runs a command with the same JSON on its
stdin, and with AGENT_EXEC_EVENT_PATH, AGENT_EXEC_JOB_ID and AGENT_EXEC_EVENT_TYPE set. The event type is \`job.finished\`:

\`\`\`json
{"schema_version":"0.1","event_type":"job.finished","job_id":"3f2a9c1e5d7b4a6f8c0d1e2f3a4b5c6d","state":"exited","command":["make","test"],"cwd":"/work","started_at":"2026-01-05T10:00:00Z","finished_at":"2026-01-05T10:00:12Z","duration_ms":12034,"exit_code":0,"stdout_log_path":"/…/stdout.log","stderr_log_path":"/…/stderr.log"}
\`\`\`

\`exit_code\` is there when the process returned one, \`signal\` when a signal ended it. The same event, with \`delivery_results\`, is kept as
\`completion_event.json\` in the job's directory, so nothing is lost when nobody listened.

\`--output-pattern P\` with \`--output-file\` or \`--output-command\` does the same for every line of output that matches
(\`--output-match-type contains|regex\`, \`--output-stream stdout|stderr|either\`). The event type is \`job.output.matched\`:

\`\`\`json
{"schema_version":"0.1","event_type":"job.output.matched","job_id":"3f2a9c1e5d7b4a6f8c0d1e2f3a4b5c6d","pattern":"listening on","match_type":"contains","stream":"stdout","line":"listening on :8080","stdout_log_path":"/…/stdout.log","stderr_log_path":"/…/stderr.log"}
\`\`\`

\`\`\`sh
kanade run --no-wait --notify-file events.ndjson --output-pattern 'listening on' --output-file events.ndjson -- ./server
kanade notify set 3f2a9c1 --command 'jq -r .state >> states.txt'
\`\`\`

\`kanade notify set JOB_ID\` changes these later; what was printed before is not told. Sinks do not get the variables that were given to
the job with \`--env\`, and a sink that fails changes nothing about the job.
`;

const openclaw = `# OpenClaw

Start long work with \`kanade run --no-wait --notify-command CMD -- COMMAND\`, where CMD hands the event on its stdin to your gateway.
Return to the conversation at once; when the event arrives, read the result with \`kanade tail JOB_ID\`.

\`\`\`sh
kanade run --no-wait --timeout 3600 --notify-command 'curl -s --data-binary @- http://127.0.0.1:18789/hooks/job' -- make release
\`\`\`

The event says \`job_id\`, \`state\` and \`exit_code\`; see completion-events.md.
`;

const texts: Readonly<Record<string, string>> = {
  'SKILL.md': skill,
  'references/cli-contract.md': contract,
  'references/completion-events.md': events,
  'references/openclaw.md': openclaw,
};

/** Files of the skill by their path below its directory, with the calls as this program is called. */
export const skillTextsFor = (program: string): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, calledAs(program, text)]));
