import type { TailEvent } from '@kanade/fleet';
import { describe, expect, it } from 'vitest';
import { createOutputPrinter } from './output-printer.ts';

const output = (pc: string, text: string, stream: 'stdout' | 'stderr' = 'stdout'): TailEvent => ({
  ...{ type: 'output', pc, runId: 'r', stream, from: 0, to: 0, text },
});

interface Shown {
  readonly isPrefixed?: boolean;
  readonly isBeside?: boolean;
  readonly isTerminal?: boolean;
  readonly env?: Record<string, string>;
}

function shown(
  events: readonly TailEvent[],
  { isPrefixed = false, isBeside = false, isTerminal = false, env = {} }: Shown,
) {
  const said = { stdout: '', stderr: '' };
  const io = {
    stdout: (text: string) => {
      said.stdout += text;
    },
    stderr: (text: string) => {
      said.stderr += text;
    },
    isTerminal: () => isTerminal,
    env,
  };
  const printer = createOutputPrinter({ io, isPrefixed, isBeside, id: 'order' });
  for (const event of events) printer.print(event);
  printer.end();
  return said;
}

const ended: TailEvent = {
  ...{ type: 'ended', pc: 'a', runId: 'r', status: 'failed', exitCode: 3, finishedAt: undefined, kept: true },
};

describe('what machines print', () => {
  it('goes to a file as it is, and as it comes', () => {
    const events = [output('a', 'half'), output('a', ' line\r\n\x1b[31mred'), output('a', 'oops', 'stderr')];
    expect(shown(events, {})).toEqual({ stdout: 'half line\r\n\x1b[31mred', stderr: 'oops' });
  });

  it('paints no terminal', () => {
    const events = [output('a', 'tab\there\r'), output('a', '\n\x1b]0;title\x07\x1b[2J\x9b1m\r50 %\r')];
    expect(shown(events, { isTerminal: true }).stdout).toBe('tab\there\n\\u001b]0;title\\u0007\\u001b[2J?1m\\r50 %\\r');
  });

  it('stands line by line behind its machine, and unfinished lines at the end', () => {
    const events = [
      output('a', 'one\ntw'),
      output('b', 'one\r\n'),
      output('a', 'o\n\nrest'),
      output('b', 'oops\n', 'stderr'),
      ended,
      output('b', `${'x'.repeat(20_000)}`),
    ];
    expect(shown(events, { isPrefixed: true })).toEqual({
      stdout: `a | one\nb | one\r\na | two\na | \na | rest\nb | ${'x'.repeat(16_384)}\nb | ${'x'.repeat(3616)}\n`,
      stderr: 'b | oops\na: failed, exit code 3\n',
    });
  });

  it('has colours on a terminal only, and none where nobody wants them', () => {
    const events = [output('a', 'one\n'), output('b', 'one\n'), output('a', 'oops\n', 'stderr')];
    expect(shown(events, { isPrefixed: true, isTerminal: true })).toEqual({
      stdout: '\x1b[32ma |\x1b[0m one\n\x1b[33mb |\x1b[0m one\n',
      stderr: '\x1b[31ma |\x1b[0m oops\n',
    });
    const envs: Record<string, string>[] = [{ NO_COLOR: '1' }, { TERM: 'dumb' }];
    for (const env of envs) {
      expect(shown(events, { isPrefixed: true, isTerminal: true, env }).stdout).toBe('a | one\nb | one\n');
    }
  });

  it('stands beside an answer on standard error, in whole lines', () => {
    expect(shown([output('a', 'one'), output('a', ' and\ntwo')], { isBeside: true })).toEqual({
      ...{ stdout: '', stderr: 'one and\ntwo\n' },
    });
  });

  it('says what is not shown, and what cannot be', () => {
    const gap = { type: 'left_out', pc: 'a', runId: 'r', stream: 'stdout' } as const;
    const events: TailEvent[] = [
      { ...gap, from: 0, to: 9 },
      { ...gap, from: 4, to: 9 },
      { type: 'waiting', pc: 'b', why: 'no_answer' },
      { ...ended, kept: false } as TailEvent,
    ];
    expect(shown(events, {}).stderr.split('\n')).toEqual([
      'a: the first 9 bytes of stdout are left out',
      'a: bytes 4 to 9 of stdout are not there any more',
      'b: no agent answers there now',
      'a: failed, exit code 3; nothing of its output is kept there, its result has it: kanade fleet results order --output',
      '',
    ]);
  });
});
