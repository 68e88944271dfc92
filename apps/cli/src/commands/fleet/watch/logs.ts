import { Failure } from '../../../answer/answer.ts';
import { printable } from '../../../answer/ink.ts';
import { type Context, defineCommand, oneWord, UsageError } from '../../../call/command.ts';
import { type Connected, withFleet } from '../connect.ts';

const linesDefault = 200;
const linesMax = 10_000;

export const fleetLogs = defineCommand({
  name: 'logs',
  summary: "show the log of a machine's agent: its last lines, as far as an answer carries them",
  usage: 'PC',
  options: {
    lines: { kind: 'count', value: 'N', help: `how many of the last lines (default: ${linesDefault})` },
    follow: { kind: 'flag', help: 'go on with each line that comes, until Ctrl-C' },
  },
  notes: ['A line is JSON as the agent wrote it; for people it is put in order. The agent keeps 8 MiB of its log.'],
  examples: ['kanade fleet logs pc-042 --lines 50', 'kanade fleet logs pc-042 --follow'],
  async run({ lines = linesDefault, follow = false }, words, context) {
    const pc = oneWord(words, 'PC');
    if (lines > linesMax) throw new UsageError(`option --lines must be at most ${linesMax}: ${lines}`);
    return withFleet(context, async (connected) => {
      if (follow || context.tellsEnding) return print(connected, { pc, lines, follow }, context);
      const told: string[] = [];
      const onEvent = (event: { type: string; text?: string }): void => void told.push(...linesOf(event.text ?? ''));
      const { signal } = context.io;
      if (!(await connected.readAgentLog(connected.fleet, pc, { lines, follow, onEvent, signal }))) throw noAnswer(pc);
      return { type: 'fleet.logs', pc_id: pc, lines: told };
    });
  },
});

const linesOf = (text: string): string[] => text.split('\n').filter(Boolean);

const noAnswer = (pc: string): Failure =>
  new Failure('no_answer', `no agent answered; is it online under this id, and may you read its log: ${pc}`, {
    retryable: true,
    details: { pc_id: pc },
  });

interface Wanted {
  readonly pc: string;
  readonly lines: number;
  readonly follow: boolean;
}

async function print(
  { fleet, readAgentLog }: Connected,
  { pc, lines, follow }: Wanted,
  { io, tellsEnding }: Context,
): Promise<string> {
  const gone = new AbortController();
  const signal = AbortSignal.any([io.signal, gone.signal]);
  try {
    const isAnswered = await readAgentLog(fleet, pc, {
      lines,
      follow,
      signal,
      onEvent(event) {
        if (event.type === 'text') {
          for (const line of linesOf(event.text)) io.stdout(`${tellsEnding ? printable(forPeople(line)) : line}\n`);
        } else if (follow) io.stderr(`${pc}: ${notices[event.type]}\n`);
        if (io.isUnread?.()) gone.abort(new Error('nobody reads any more'));
      },
    });
    if (!isAnswered) throw noAnswer(pc);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
  }
  return '';
}

const notices = {
  gap: 'lines are missing here, the agent has them no more',
  no_answer: 'no agent answers there now',
} as const;

const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** A line of the log with time, level and sentence first. */
function forPeople(line: string): string {
  try {
    const { time, level, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
    const more = Object.keys(rest).length === 0 ? '' : JSON.stringify(rest);
    return [time, (levels[level as number] ?? String(level)).padEnd(5), msg, more].filter(Boolean).join('  ');
  } catch {
    return line; // it was cut, or is of somebody else
  }
}
