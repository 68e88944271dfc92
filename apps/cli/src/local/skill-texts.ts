/** The built-in skill, file by file. */

export const skillName = 'agent-exec';

const skill = `---
name: agent-exec
description: Run commands as jobs that outlive the call, with one JSON answer. Use it for builds, tests, servers and everything that may take longer than a few seconds.
---

# agent-exec

If your tools are those of an MCP server of this program (\`run\`, \`status\`, \`tail\`, \`wait\`, \`kill\`), use them: their answers are the ones below. Otherwise fall
back to the command line. Call the program from your shell (\`kanade\` and \`agent-exec\` are the same program). Every call prints one line of JSON on stdout.

1. \`kanade run -- COMMAND [ARGS...]\` starts a job and observes it for up to 10 s. Read \`state\`: \`exited\`, \`killed\` and \`failed\` are
   endings; \`running\` means that the job lives on. \`stdout\` and \`stderr\` hold the beginning of its output.
2. Still running? \`kanade wait --until 60 JOB_ID\` waits for the end and answers with the end of the output.
   \`kanade tail JOB_ID\` only looks. Do not sleep and poll.
3. The job's own result is \`exit_code\`. The exit code of the program itself is 0 when it answered, 1 with an error object, 2
   when the call made no sense.

Rules

- Keep the \`job_id\`. A prefix that only one job has is enough. \`kanade list\` shows the jobs of the current directory.
- Use \`kanade kill JOB_ID\` only when the user asks for it. A job that is merely slow is waited for.
- Give \`--timeout N\` (seconds) to what may hang. Give secrets with \`--env KEY=VALUE --mask KEY\`.
- Several words are one program and its arguments; one word is a shell string: \`kanade run 'make && make test'\`.

More: references/cli-contract.md, references/completion-events.md, references/openclaw.md.
`;

const contract = `# The command line in short

| command | does |
|---|---|
| \`run [OPTIONS] -- COMMAND\` | start, observe, answer; \`--until N\`, \`--forever\`, \`--no-wait\`, \`--timeout N\`, \`--tag T\` |
| \`create\`, \`start JOB_ID\` | define now, start later |
| \`restart JOB_ID\` | stop it if it runs, and run it again under the same id |
| \`status JOB_ID\` | where it stands |
| \`wait JOB_ID\` | until the end, 30 s by default |
| \`tail JOB_ID\` | the last 50 lines of each stream |
| \`kill JOB_ID\` | the job and everything it started; only on the user's request |
| \`list\`, \`ps\` | jobs of this directory; \`--all\` for every directory |
| \`delete JOB_ID\`, \`gc\` | remove ended jobs |
| \`help COMMAND\` | all options, with examples |

States: \`created\`, \`running\`, \`exited\` (has \`exit_code\`), \`killed\` (has \`signal\`), \`failed\` (could not start, or was lost: \`error\` says why).

Errors: \`{"ok":false,"type":"error","error":{"code","message","retryable"}}\`. Codes to expect: \`job_not_found\`, \`ambiguous_job_id\`
(\`details.candidates\`), \`invalid_state\`, \`stdin_required\`, \`stdin_too_large\`, \`config_error\`, \`internal_error\`.
`;

const events = `# Completion events

\`run --notify-file PATH\` appends one JSON line when the job ends; \`--notify-command CMD\` runs a command with the same JSON on its
stdin, and with AGENT_EXEC_EVENT_PATH, AGENT_EXEC_JOB_ID and AGENT_EXEC_EVENT_TYPE set. The event type is \`job.finished\`.

\`--output-pattern P\` with \`--output-file\` or \`--output-command\` does the same for every line of output that matches
(\`--output-match-type contains|regex\`, \`--output-stream stdout|stderr|either\`). \`kanade notify set JOB_ID\` changes these later.

Sinks do not get the variables that were given to the job with \`--env\`.
`;

const openclaw = `# OpenClaw

Start long work with \`kanade run --no-wait --notify-command CMD -- COMMAND\`, where CMD hands the event on its stdin to your gateway.
Return to the conversation at once; when the event arrives, read the result with \`kanade tail JOB_ID\`.
`;

/** Files of the skill by their path below its directory. */
export const skillTexts: Readonly<Record<string, string>> = {
  'SKILL.md': skill,
  'references/cli-contract.md': contract,
  'references/completion-events.md': events,
  'references/openclaw.md': openclaw,
};
