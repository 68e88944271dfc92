/**
 * Writes `docs/cli.md` from the command table; with `--print` to standard output instead. Runs from the sources:
 * `node --conditions=@kanade/source build/docs.mjs`.
 */
import { writeFileSync } from 'node:fs';
import { jobErrors } from '@kanade/shared/job';
import { globalOptions } from '../src/call/command.ts';
import { house } from '../src/call/table.ts';

const { local, otherDoors } = house;
const { commands, aliases } = local;

const cell = (text) => text.replaceAll('|', '\\|');

const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** How options can be written besides. */
const short = { verbose: '`-v`, ', help: '`-h`, ' };

const optionRows = (options) =>
  Object.entries(options).map(([name, { value, help, kind }]) => [
    `${short[name] ?? ''}\`--${name}${value ? (kind === 'optional' ? ` [${cell(value)}]` : ` ${cell(value)}`) : ''}\``,
    cell(help),
  ]);

function section({ name, summary, usage, options, notes = [], examples }) {
  const others = Object.keys(aliases).filter((alias) => aliases[alias] === name);
  const rows = optionRows(options);
  return [
    `## ${name}`,
    `${summary[0].toUpperCase()}${summary.slice(1)}.${others.length > 0 ? ` Also \`${others.join('`, `')}\`.` : ''}`,
    `\`kanade ${[name, rows.length > 0 ? '[OPTIONS]' : '', usage].filter(Boolean).join(' ')}\``,
    ...(rows.length > 0 ? [table(['option', 'meaning'], rows)] : []),
    ...notes,
    `\`\`\`sh\n${examples.join('\n')}\n\`\`\``,
  ].join('\n\n');
}

const intro = `# The command line

<!-- Made by apps/cli/build/docs.mjs from the command table. Change that, not this. -->

Every call prints one line of JSON on stdout, and nothing on stderr but what the rules below name. How a job ended is part of the answer, and of the exit code only with
\`--exit-code\`. A job id may be shortened to a prefix that only one job has. \`kanade fleet\` and \`kanade outbox\` are doors to other things than the jobs of this machine, with
the same options for the answer; \`kanade agent\` and \`kanade client\` are programs of their own: see their \`--help\`.

Exit codes: 0 answered, 1 answered with an error object, 2 the call makes no sense (stdout is empty, stderr says why). With \`--exit-code\` an answer about an ended job exits as the job did;
124 says that it ran into its timeout, 125 that it has no exit code (not started, lost, still running). An answer about an order to machines (\`fleet exec --wait\`, \`run\`, \`wait\`) exits with 0 when all ended
well, 1 when one did not (the job's own code where only one machine was meant), 3 when some have not answered and none failed; on a terminal without being asked.

The version, the runtime and the contract of the answers are what \`kanade --version\` names; called as \`agent-exec\` the contract stands first.`;

const rules = `## Rules

**Form of an answer.** \`--json\`, \`--yaml\` and \`--human\` choose it, before or behind the words of every door; else \`KANADE_OUTPUT\` (\`json\`, \`yaml\`, \`human\`). Without either a terminal
is answered as \`output\` in the configuration file says, and everything else gets JSON. Without that too, local commands answer with JSON everywhere; \`fleet\` and \`outbox\` answer
a terminal for people. For people a sentence comes first, with ✓ or ✗ before it.

**Observation.** \`run\`, \`start\` and \`restart\` answer when the job has ended, when \`--until\` is over, or when the job has printed something and then nothing for 1 s. With
\`--forever\` they wait for the end.

**Large numbers.** Counts may have 64 bits. An observation or \`wait\` of more than 24 days has no deadline.

**Standard error.** It stays empty, but for four things. For people, while \`run\`, \`start\`, \`restart\` or \`wait\` waits and standard error is a terminal, a line there shows the job, the
time and how much was printed; it is gone before the answer. With \`-v\` (info), \`-vv\` (debug) and \`-vvv\` (trace) the call says what it does; \`RUST_LOG\` may then name another
level, or \`off\`. No values of \`--env\`, no input and no command line are ever among it. Old jobs that could not be collected are a warning. And
\`fleet job put\`, \`exec\`, \`run\`, \`wait\`, \`kill\`, \`agents\` and \`setup\` say on it what they have done so far; so does every change that could not be recorded.

**watch** ends with 0 when the job has ended, on Ctrl-C, and when nobody reads its output any more (\`kanade watch JOB_ID | head -1\`; of a job that is silent this is noticed on Linux, within half a
second). Where the middle of a long log was not kept, one line on standard error says how many bytes are missing.

**Environment.** \`AGENT_EXEC_ROOT\` names the jobs root, else \`$XDG_DATA_HOME/agent-exec/jobs\`, else \`~/.local/share/agent-exec/jobs\`. \`KANADE_CONTRACT\` is the default of \`--contract\`,
\`KANADE_OUTPUT\` of the form of answers. \`NO_COLOR\` takes the colours out of \`--human\`. The configuration file is \`agent-exec/config.toml\` below \`$XDG_CONFIG_HOME\` or \`~/.config\`.`;

const errors = Object.entries(jobErrors).filter(([, { exit }]) => exit !== undefined);

/** Those that exist over HTTP, with their status. */
const httpErrors = Object.entries(jobErrors).filter(([, { http }]) => http !== undefined);

/** Errors of `fleet` that the library of the fleet does not have: they are answers, too. */
const fleetErrors = `Besides those of the library (README of \`@kanade/fleet\`): \`no_result\` nobody answered within the time; \`order_not_found\` the broker knows of no order with this exec id;
\`not_confirmed\` a machine where it runs has not said that it stopped (details: unconfirmed); \`no_answer\` nobody said anything; \`run_not_found\` no run of this id is known; \`output_unavailable\` output of a result could not be fetched; \`note_not_found\` there is no such note; \`file_exists\`, \`file_unwritable\` a file for output;
\`interrupted\` the call was stopped, the order goes on (\`fleet wait\`), or the stop order has gone out (\`fleet kill\`). What was done and could not be recorded is answered with \`audit_failed\`.

\`fleet kill\` answers with \`stopped\`: each run whose machine confirmed, with the note of the machine (\`report\`) and what the stop did there (\`stop\`: mechanism, members, and \`survivors\` by pid
and name); \`unconfirmed\`: machines where it runs and that said nothing; \`unknown\`: what the broker does not let this user look up, without which nobody knows who else runs it.`;

async function doorSection(entry) {
  const { name, summary, options, commands: members } = await entry.load();
  const rows = members.map((member) => [
    `\`${[name, member.name, member.usage].filter(Boolean).join(' ')}\``,
    cell(member.summary),
  ]);
  return [
    `## kanade ${name}`,
    `${summary[0].toUpperCase()}${summary.slice(1)}. \`kanade ${name} COMMAND --help\` shows options and examples.`,
    table(['command', 'does'], rows),
    table(['option', 'meaning'], optionRows(options)),
    ...(name === 'fleet' ? [fleetErrors] : []),
  ].join('\n\n');
}

const doors = await Promise.all(otherDoors.map(doorSection));

const page = `${[
  intro,
  `## Options of every command\n\nBefore or behind the name of the command; behind it wins.\n\n${table(['option', 'meaning'], optionRows({ ...local.options, ...globalOptions }))}`,
  ...commands.map(section),
  ...doors,
  rules,
  `## Error codes\n\n${table(
    ['code', 'when'],
    errors.map(([code, { when }]) => [`\`${code}\``, cell(when)]),
  )}`,
  `Over HTTP (\`kanade serve\`) errors have the status of their code:\n\n${table(
    ['status', 'code', 'when'],
    httpErrors
      .sort(([, a], [, b]) => a.http - b.http)
      .map(([code, { when, http }]) => [http, `\`${code}\``, cell(when)]),
  )}`,
].join('\n\n')}\n`;

if (process.argv.includes('--print')) process.stdout.write(page);
else writeFileSync(new URL('../../../docs/cli.md', import.meta.url), page);
