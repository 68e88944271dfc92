/**
 * Prints what machines tell of their runs. Text goes out as it comes, or line by line with the machine before it. On a terminal
 * control characters of a job are shown as what they are, so that no job paints the operator's screen; elsewhere bytes stay as they are.
 */
import type { TailEvent } from '@kanade/fleet';
import { type Colour, createPaint, visible } from '../../../answer/ink.ts';
import type { Io } from '../../../io.ts';

export interface OutputPrinterOptions {
  readonly io: Pick<Io, 'stdout' | 'stderr' | 'isTerminal' | 'env'>;
  /** The machine before each line. */
  readonly isPrefixed: boolean;
  /** Whole lines only, on standard error: beside an answer, and a line that says how it stands. */
  readonly isBeside: boolean;
  /** How the rest of the call names the run, for advice. */
  readonly id: string;
}

export interface OutputPrinter {
  print(event: TailEvent): void;
  /** Prints lines that were not ended. */
  end(): void;
}

type Stream = 'stdout' | 'stderr';

/** Characters of a line that is printed in pieces. */
const lineCharsMax = 16 * 1024;

const machineColours: readonly Colour[] = ['green', 'yellow', 'bold'];

export function createOutputPrinter(options: OutputPrinterOptions): OutputPrinter {
  const { io, isPrefixed, isBeside } = options;
  const { isScreen, write, line } = createLines(options);
  const byLine = isPrefixed || isBeside;
  /** What was printed since the last line of a stream. */
  const rests = new Map<string, { readonly pc: string; readonly stream: Stream; text: string }>();

  function output(pc: string, stream: Stream, text: string): void {
    if (!byLine && !isScreen(stream)) {
      write(stream, text);
      return;
    }
    const key = `${stream} ${pc}`;
    const rest = rests.get(key) ?? { pc, stream, text: '' };
    rests.set(key, rest);
    const all = rest.text + text;
    if (byLine) {
      const lines = inPieces(all.split('\n'));
      rest.text = lines.pop() ?? '';
      for (const one of lines) line(pc, stream, one);
    } else {
      // The end of a line may be cut between its two characters.
      rest.text = all.endsWith('\r') ? '\r' : '';
      write(stream, visible(all.slice(0, all.length - rest.text.length).replaceAll('\r\n', '\n')));
    }
  }

  const end = (pc?: string): void => {
    for (const rest of rests.values()) {
      if (rest.text === '' || (pc !== undefined && rest.pc !== pc)) continue;
      if (byLine) line(rest.pc, rest.stream, rest.text);
      else write(rest.stream, visible(rest.text));
      rest.text = '';
    }
  };
  return {
    print(event) {
      if (event.type === 'output') {
        output(event.pc, event.stream, event.text);
        return;
      }
      if (event.type === 'ended' || event.type === 'again') end(event.pc);
      io.stderr(`${event.pc}: ${noticeOf(event, options.id)}\n`);
    },
    end: () => end(),
  };
}

/** Where text and lines go, and how a line looks. */
function createLines({ io, isPrefixed, isBeside }: OutputPrinterOptions) {
  const toOf = (stream: Stream): 1 | 2 => (stream === 'stderr' || isBeside ? 2 : 1);
  const machines = new Map<string, Colour>();
  const isScreen = (stream: Stream): boolean => io.isTerminal?.(toOf(stream)) === true;

  function write(stream: Stream, text: string): void {
    if (toOf(stream) === 1) io.stdout(text);
    else io.stderr(text);
  }

  function colourOf(pc: string, stream: Stream): Colour | undefined {
    if (!machines.has(pc)) machines.set(pc, machineColours[machines.size % machineColours.length] ?? 'bold');
    return stream === 'stderr' ? 'red' : machines.get(pc);
  }

  function line(pc: string, stream: Stream, text: string): void {
    const paint = createPaint(isScreen(stream) && !io.env.NO_COLOR && io.env.TERM !== 'dumb');
    const shown = isScreen(stream) ? visible(text.replace(/\r$/, '')) : text;
    write(stream, `${isPrefixed ? `${paint(`${pc} |`, colourOf(pc, stream))} ` : ''}${shown}\n`);
  }

  return { isScreen, write, line };
}

/** The lines, and a last one that is too long in several. */
function inPieces(lines: readonly string[]): string[] {
  const last = lines.at(-1) ?? '';
  const pieces = Array.from({ length: Math.ceil(last.length / lineCharsMax) || 1 }, (_, at) =>
    last.slice(at * lineCharsMax, (at + 1) * lineCharsMax),
  );
  return [...lines.slice(0, -1), ...pieces];
}

function noticeOf(event: Exclude<TailEvent, { type: 'output' }>, id: string): string {
  switch (event.type) {
    case 'left_out':
      return event.from === 0
        ? `the first ${event.to} bytes of ${event.stream} are left out`
        : `bytes ${event.from} to ${event.to} of ${event.stream} are not there any more`;
    case 'again':
      return `it failed and is tried again (retry ${event.attempt})`;
    case 'waiting':
      return whys[event.why];
    case 'ended': {
      const { status, exitCode, kept } = event;
      const ended = `${status ?? 'ended'}${exitCode === undefined ? '' : `, exit code ${exitCode}`}`;
      return kept
        ? ended
        : `${ended}; nothing of its output is kept there, its result has it: kanade fleet results ${id} --output`;
    }
  }
}

const whys = {
  no_answer: 'no agent answers there now',
  unknown: 'its agent knows of no such run',
  not_begun: 'it waits for its turn',
} as const;
