/** Text in pieces of any size → lines, in time linear in the text and memory for one line. */
import { boundary, bytesOf, type OutputLine, withoutControls } from './line.ts';

/** Most characters of one line that are looked at; the rest of it is skipped. */
export const lineCharsRead = 1024 * 1024;

export interface Splitter {
  /** The next piece of the text; `bytes` is what it takes in the log. */
  push(piece: string, bytes?: number): void;
  /** What stands from here to an offset is not there; the text goes on behind it. */
  skip(to: number): void;
  /** No more pieces: an unfinished line is a line. */
  end(): void;
}

interface Receiver {
  line(line: OutputLine): void;
  /** A state of a progress display that the next one wrote over (a carriage return without a newline). */
  overwritten(line: OutputLine): void;
}

function tellOverwritten({ overwritten }: Receiver, states: readonly string[], at: Omit<OutputLine, 'text'>): void {
  for (const state of states) {
    if (state !== '') overwritten({ text: withoutControls(state), ...at });
  }
}

/** Splits at `\n` and `\r\n`; what a lone `\r` ends was written over on a screen. `from` is the offset of the first byte. */
export function createSplitter(from: number, receiver: Receiver): Splitter {
  let rest = '';
  let restFrom = from;
  let at = from;
  let isSkipping = false;

  const give = (raw: string, to: number): void => {
    const whole = isSkipping ? rest : rest === '' ? raw : rest + raw;
    rest = '';
    isSkipping = false;
    const lineFrom = restFrom;
    restFrom = to;
    if (!whole.includes('\r')) {
      receiver.line({ text: withoutControls(whole), from: lineFrom, to });
      return;
    }
    const states = whole.split('\r').filter((state) => state !== '');
    const last = states.pop() ?? '';
    tellOverwritten(receiver, states, { from: lineFrom, to });
    receiver.line({ text: withoutControls(last), from: lineFrom, to });
  };

  /** Keeps an unfinished line within its bound. */
  const keep = (raw: string): void => {
    if (isSkipping) return;
    rest = rest === '' ? raw : rest + raw;
    if (rest.length <= lineCharsRead) return;
    const states = rest.split('\r');
    rest = states.pop() ?? '';
    tellOverwritten(receiver, states, { from: restFrom, to: at });
    if (rest.length <= lineCharsRead) return;
    rest = rest.slice(0, boundary(rest, lineCharsRead));
    isSkipping = true;
  };

  return {
    push(piece, bytes = bytesOf(piece)) {
      const isOneByteEach = bytes === piece.length;
      let begin = 0;
      for (let end = piece.indexOf('\n'); end >= 0; end = piece.indexOf('\n', begin)) {
        const raw = piece.slice(begin, end);
        at += isOneByteEach ? end - begin + 1 : bytesOf(raw) + 1;
        give(raw, at);
        begin = end + 1;
      }
      if (begin === piece.length) return;
      const raw = begin === 0 ? piece : piece.slice(begin);
      at += isOneByteEach ? raw.length : bytesOf(raw);
      keep(raw);
    },
    skip(to) {
      if (rest !== '') give('', at);
      at = to;
      restFrom = to;
    },
    end() {
      if (rest !== '') give('', at);
    },
  };
}
