import { parseArgs } from 'node:util';

export interface TapCall {
  method: string;
  params: unknown;
}

export interface TapOptions {
  path: string;
  calls: TapCall[];
  /** Whether to go on printing pushes behind the last answer, and when to stop. */
  follow: boolean;
  pushesMax: number;
  timeoutMs: number;
  trace: 'off' | 'envelopes' | 'bodies';
}

export type ParsedTap = { kind: 'run'; options: TapOptions } | { kind: 'help' } | { kind: 'usage'; message: string };

export const tapUsage = `Usage: klp-tap [options] [METHOD [PARAMS]]...

  Connects, makes the calls one after the other until one is answered with an error, and prints one line of JSON for each answer and each push.
  PARAMS is a JSON object; left out, it is {}. Most servers want their handshake first.

  --path PATH          socket or pipe
  --follow             go on printing pushes until interrupted or the server ends
  --pushes N           end after N pushes
  --timeout-ms N       for connecting and for each answer (default: 30000)
  --trace              print every frame on the standard error, without params and results
  --trace-bodies       with them, secrets included
  --help

Exit codes: 0 all calls were answered with a result, 1 one was answered with an error, 2 wrong arguments, 3 not connected, refused, or no answer.
`;

const optionTable = {
  path: { type: 'string' },
  follow: { type: 'boolean' },
  pushes: { type: 'string' },
  'timeout-ms': { type: 'string' },
  trace: { type: 'boolean' },
  'trace-bodies': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

class UsageError extends Error {}

/** Never throws. */
export function parseTap(args: readonly string[]): ParsedTap {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: optionTable, allowPositionals: true });
    if (values.help) return { kind: 'help' };
    if (!values.path) throw new UsageError('say which socket: --path PATH');
    const options: TapOptions = {
      path: values.path,
      calls: parseCalls(positionals),
      follow: values.follow ?? values.pushes !== undefined,
      pushesMax: parseCount('--pushes', values.pushes) ?? Number.POSITIVE_INFINITY,
      timeoutMs: parseCount('--timeout-ms', values['timeout-ms']) ?? 30_000,
      trace: values['trace-bodies'] ? 'bodies' : values.trace ? 'envelopes' : 'off',
    };
    if (options.calls.length > 0 || options.follow) return { kind: 'run', options };
    return { kind: 'usage', message: 'nothing to do: give a method, --follow or --pushes' };
  } catch (error) {
    return { kind: 'usage', message: (error as Error).message };
  }
}

function parseCalls(words: readonly string[]): TapCall[] {
  const calls: TapCall[] = [];
  for (const word of words) {
    const last = calls.at(-1);
    if (!word.startsWith('{') && !word.startsWith('[')) calls.push({ method: word, params: {} });
    else if (last) last.params = parseParams(last.method, word);
    else throw new UsageError(`expected a method before its params: ${word}`);
  }
  return calls;
}

function parseParams(of: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`the params of ${of} are not JSON: ${text}`, { cause });
  }
}

function parseCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`expected a whole number from 1 after ${name}: ${text}`);
}
