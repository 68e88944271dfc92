/**
 * The built-in skill, file by file. Every call, every answer and every event in it is tried by a test (apps/kanade/test/skill.test.ts): behind a
 * call stands what it answers, with … where it differs each time; 3f2a9c1 is the job of the call before, CURSOR the last cursor.
 */

export const skillName = 'agent-exec';

/** `kanade` stands for the name of the program, see {@link skillTextsFor}. */
const skill = `---
name: agent-exec
description: Run commands as jobs that outlive the call, with one JSON answer. Use it for builds, tests, servers and everything that may take longer than a few seconds.
---

# agent-exec

MCP first: where your host gives you the tools \`run\`, \`status\`, \`tail\`, \`wait\` and \`kill\` of this program, use them; their answers are the ones below. Without them, and for what they do not have
(queues, lists, events), use the command line from your shell. Every call of it prints one line of JSON on stdout, and all of them see the same jobs.

## With the tools

\`\`\`json
{"name":"run","arguments":{"command":["sh","-c","echo compiling; exit 2"],"timeout":600,"until":30}}
\`\`\`

\`command\` is a program and its arguments; one text alone is a line for the shell. Read \`state\` of the answer. \`running\` means that the job lives on, whatever becomes of this call: call \`wait\` with its
\`job_id\`, again and again if need be, or \`tail\` to look.

## With the command line

1. \`kanade run -- COMMAND [ARGS...]\` starts a job and observes it for up to 10 s. Read \`state\`: \`exited\`, \`killed\` and \`failed\` are endings; \`running\` means that the job lives on; \`created\` that it
   waits for its turn. \`stdout\` and \`stderr\` hold the beginning of its output.
2. Still running? \`kanade wait --until 60 JOB_ID\` waits for the end and answers with the end of the output. \`kanade tail JOB_ID\` only looks. Do not sleep and poll.
3. The job's own result is \`exit_code\`. The exit code of the program itself is 0 when it answered, 1 with an error object, 2 when the call made no sense.

\`\`\`sh
kanade run --timeout 600 --tag build -- sh -c 'echo compiling; exit 2'
# {"ok":true,"type":"run","job_id":"3f2a9c1e…","state":"exited","exit_code":2,"stdout":"compiling\\n","stderr":""}
kanade wait --until 600 3f2a9c1
# {"ok":true,"type":"wait","job_id":"3f2a9c1e…","state":"exited","exit_code":2,"stdout":"compiling\\n"}
\`\`\`

## Until it says so, and only what is new

\`wait --match\` returns as soon as a line has the text. Each answer of \`run\`, \`tail\` and \`wait\` has a \`cursor\`: with \`--cursor\` the next one has what came since, nothing lost and nothing repeated.

\`\`\`sh
kanade run --no-wait --tag server -- sh -c 'echo listening on 8080; sleep 600'
# {"type":"run","job_id":"3f2a9c1e…","state":"running"}
kanade wait --match 'listening on' --until 60 3f2a9c1
# {"type":"wait","state":"running","matched":{"stream":"stdout","line":"listening on 8080","offset":0},"cursor":"…"}
kanade tail --cursor CURSOR 3f2a9c1
# {"type":"tail","stdout":"","stderr":"","more":false,"ended":false,"cursor":"…"}
\`\`\`

\`"matched":null\` with exit code 3: the job ended without such a line; with 124: the time was over.

## In turn, and after others

\`\`\`sh
kanade queue set build --slots 1
# {"type":"queue.set","queue":"build","slots":1}
kanade run --no-wait --queue build -- sh -c 'sleep 0.5; echo built'
# {"type":"run","job_id":"3f2a9c1e…","queue":"build"}
kanade run --after 3f2a9c1 -- echo installed
# {"type":"run","state":"exited","exit_code":0,"stdout":"installed\\n","after":[{"job_id":"3f2a9c1e…","on":"success"}]}
\`\`\`

A job that waits is \`created\`, with \`position\` and \`waits_for\`; \`wait\` goes through its turn to its end. One whose \`--after\` did not exit with 0 never starts (\`--after-any\` takes every end):

\`\`\`sh
kanade run -- sh -c 'exit 1'
# {"type":"run","state":"exited","exit_code":1}
kanade run --after 3f2a9c1 -- echo installed
# {"type":"run","state":"failed","ending":"not_started","error":"it waited for the success of job 3f2a9c1e…"}
\`\`\`

## Long output

\`compression\` is a shorter view; the whole output stays in the files of the job. Error lines always survive in it. \`route\` finds out what the output is; \`errors\`, \`tests\`, \`logs\` and others name it.

\`\`\`sh
kanade run --compress errors -- sh -c 'seq 5000; echo "error: disk full"; seq 5000'
# {"type":"run","state":"exited","compression":{"mode":"errors","applied":true,"stdout":"error: disk full","omitted":true}}
\`\`\`

## Rules

- Keep the \`job_id\`. A prefix that only one job has is enough. \`kanade list\` shows the jobs of the current directory.
- Use \`kanade kill JOB_ID\` only when the user asks for it. A job that is merely slow is waited for.
- Give \`--timeout N\` (seconds) to what may hang. Give secrets with \`--env KEY=VALUE --mask KEY\`.
- Several words are one program and its arguments; one word is a shell string: \`kanade run 'make && make test'\`.
- A server that should stay: \`kanade run --no-wait --tag server -- COMMAND\`; look with \`kanade tail\`, stop it when the user asks.
- Input: \`--stdin TEXT\`, \`--stdin-file PATH\`, or a pipe into \`kanade run\`.
- To be told of the end instead of waiting: references/completion-events.md.

More: references/cli-contract.md, references/completion-events.md, references/openclaw.md.
`;

const contract = `# The command line in short

| command | does |
|---|---|
| \`run [OPTIONS] -- COMMAND\` | start, observe, answer; \`--until N\`, \`--forever\`, \`--no-wait\`, \`--timeout N\`, \`--tag T\` |
| \`create\`, \`start JOB_ID\` | define now, start later |
| \`restart JOB_ID\` | stop it if it runs, and run it again under the same id |
| \`status JOB_ID\` | where it stands |
| \`wait JOB_ID\` | until the end, 30 s by default; \`--until N\`, \`--forever\`, \`--match TEXT\`, \`--cursor C\` |
| \`tail JOB_ID\` | the last 50 lines of each stream; \`--lines N\`, \`--max-bytes N\`, \`--cursor C\`, \`--compress MODE\` |
| \`kill JOB_ID\` | the job and everything it started; only on the user's request |
| \`list\`, \`ps\` | jobs of this directory; \`--all\` for every directory, \`--state S\`, \`--tag T\`, \`--tree\` |
| \`queue list\`, \`queue set NAME --slots N\` | who runs and who waits; how many run at the same time |
| \`tag set JOB_ID --tag T\` | replace its tags |
| \`notify set JOB_ID\` | change who is told about it |
| \`delete JOB_ID\`, \`gc\` | remove ended jobs |
| \`mcp\` | the tools, for a host that is told to start this |
| \`doctor\` | check the installation |
| \`help COMMAND\` | all options, with examples |

States: \`created\`, \`running\`, \`exited\` (has \`exit_code\`), \`killed\` (has \`signal\`), \`failed\` (could not start, or was lost: \`error\` says why).

Every answer: \`schema_version\`, \`ok\`, \`type\`, then its own fields. \`run\`, \`start\` and \`restart\` show the beginning of the output, \`wait\` and \`tail\` the end;
\`stdout_range\` and \`stdout_total_bytes\` say which part of how much. The whole output is in the files \`stdout_log_path\` and \`stderr_log_path\`.

\`\`\`sh
kanade run -- echo hi
# {"schema_version":"0.1","ok":true,"type":"run","job_id":"3f2a9c1e…","state":"exited","tags":[],"stdout":"hi\\n","stderr":"","exit_code":0,"ending":"exited"}
kanade status 3f2a9c1
# {"type":"status","job_id":"3f2a9c1e…","state":"exited","exit_code":0,"created_at":"…","started_at":"…","finished_at":"…"}
kanade status no-such-job
# {"ok":false,"type":"error","error":{"code":"job_not_found","message":"…","retryable":false}}
kanade create -- echo later
# {"type":"create","job_id":"3f2a9c1e…","state":"created"}
kanade start 3f2a9c1
# {"type":"start","state":"exited","stdout":"later\\n"}
kanade restart 3f2a9c1
# {"type":"restart","state":"exited","stdout":"later\\n"}
kanade tag set 3f2a9c1 --tag build.web
# {"type":"tag_set","tags":["build.web"]}
kanade list --tag 'build.*'
# {"type":"list","jobs":[{"job_id":"3f2a9c1e…","state":"exited","command":["echo","later"],"tags":["build.web"]}],"truncated":false}
kanade delete 3f2a9c1
# {"type":"delete","deleted":1}
\`\`\`

Errors: \`{"ok":false,"type":"error","error":{"code","message","retryable"}}\`. Codes to expect: \`job_not_found\`, \`ambiguous_job_id\`
(\`details.candidates\`), \`invalid_state\`, \`stdin_required\`, \`stdin_too_large\`, \`config_error\`, \`root_full\`, \`internal_error\`.

A host that speaks the Model Context Protocol is told so:

\`\`\`json
{"mcpServers":{"jobs":{"command":"kanade","args":["mcp"]}}}
\`\`\`
`;

const events = `# Completion events

\`run --notify-file PATH\` appends one JSON line when the job ends; \`--notify-command CMD\` runs a command with the same JSON on its
stdin, and with AGENT_EXEC_EVENT_PATH, AGENT_EXEC_JOB_ID and AGENT_EXEC_EVENT_TYPE set. \`--output-pattern P\` with \`--output-file\` or \`--output-command\` does so for every line of output that matches
(\`--output-match-type contains|regex\`, \`--output-stream stdout|stderr|either\`).

\`\`\`sh
kanade run --notify-file events.ndjson --output-pattern 'listening on' --output-file events.ndjson -- sh -c 'echo listening on 8080'
# {"type":"run","state":"exited","exit_code":0}
\`\`\`

After it the file has these two lines, the match as soon as it was printed:

\`\`\`json
{"schema_version":"0.1","event_type":"job.output.matched","job_id":"3f2a9c1e…","pattern":"listening on","match_type":"contains","stream":"stdout","line":"listening on 8080","stdout_log_path":"/…/stdout.log","stderr_log_path":"/…/stderr.log"}
{"schema_version":"0.1","event_type":"job.finished","job_id":"3f2a9c1e…","state":"exited","command":["sh","-c","echo listening on 8080"],"cwd":"/…","started_at":"…","finished_at":"…","duration_ms":4,"exit_code":0,"stdout_log_path":"/…/stdout.log","stderr_log_path":"/…/stderr.log","ending":"exited"}
\`\`\`

\`exit_code\` is there when the process returned one, \`signal\` when a signal ended it; a job that waited for its turn and never started is \`failed\`, \`"ending":"not_started"\`. The same event, with
\`delivery_results\`, is kept as \`completion_event.json\` in the job's directory, so nothing is lost when nobody listened.

\`\`\`sh
kanade run --no-wait --notify-command 'cat > ended.json' -- sh -c 'sleep 0.2; exit 3'
# {"type":"run","job_id":"3f2a9c1e…"}
kanade notify set 3f2a9c1 --output-pattern error --output-command 'cat >> errors.ndjson'
# {"type":"notify.set","notification":{"notify_command":"cat > ended.json","on_output_match":{"pattern":"error","match_type":"contains","stream":"either","command":"cat >> errors.ndjson"}}}
\`\`\`

\`kanade notify set JOB_ID\` changes these later; what was printed before is not told. Sinks do not get the variables that were given to
the job with \`--env\`, and a sink that fails changes nothing about the job.
`;

const openclaw = `# OpenClaw

Start long work with \`kanade run --no-wait --notify-command CMD -- COMMAND\`, where CMD hands the event on its stdin to your gateway.
Return to the conversation at once; when the event arrives, read the result with \`kanade tail JOB_ID\`.

\`\`\`sh
kanade run --no-wait --timeout 3600 --notify-command 'curl -s --data-binary @- http://127.0.0.1:18789/hooks/job' -- sh -c 'echo released'
# {"ok":true,"type":"run","job_id":"3f2a9c1e…"}
kanade wait --until 60 3f2a9c1
# {"type":"wait","state":"exited","stdout":"released\\n"}
\`\`\`

The event says \`job_id\`, \`state\` and \`exit_code\`; see completion-events.md.
`;

const texts: Readonly<Record<string, string>> = {
  'SKILL.md': skill,
  'references/cli-contract.md': contract,
  'references/completion-events.md': events,
  'references/openclaw.md': openclaw,
};

/** Files of the skill by their path below its directory, with the program called by this name. */
export const skillTextsFor = (program: string): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(texts).map(([path, text]) => [path, text.replaceAll(/\bkanade\b/g, program)]));
