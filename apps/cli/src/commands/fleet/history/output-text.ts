/**
 * Prints an answer with output that may be longer than what one wants in memory: as one JSON document that is written piece by piece,
 * or for people behind the rest. YAML is made whole.
 */
import { type Document, textOf } from '../../../answer/answer.ts';
import { visible } from '../../../answer/ink.ts';
import type { FormName } from '../../../call/command.ts';
import type { Io } from '../../../io.ts';

export interface OutputText {
  /** The answer without what was printed. */
  begin(document: Document): Promise<void>;
  open(stream: 'stdout' | 'stderr'): void;
  add(bytes: Uint8Array): void;
  close(): void;
  /** With what is known at the end. What it returns is not printed yet: the keys that are left. */
  end(more: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined;
}

export function createOutputText(io: Io, form: FormName): OutputText {
  if (form === 'json') return asJson(io);
  return form === 'human' ? forPeople(io) : whole();
}

function asJson({ stdout }: Io): OutputText {
  let decoder = new TextDecoder();
  const write = (text: string): void => {
    if (text !== '') stdout(JSON.stringify(text).slice(1, -1));
  };
  return {
    async begin(document) {
      stdout(JSON.stringify(document).slice(0, -1));
    },
    open(stream) {
      decoder = new TextDecoder();
      stdout(`,"${stream}":"`);
    },
    add: (bytes) => write(decoder.decode(bytes, { stream: true })),
    close() {
      write(decoder.decode());
      stdout('"');
    },
    end(more) {
      for (const [key, value] of Object.entries(more)) stdout(`,${JSON.stringify(key)}:${JSON.stringify(value)}`);
      stdout('}\n');
      return undefined;
    },
  };
}

function forPeople(io: Io): OutputText {
  const isScreen = io.isTerminal?.(1) === true;
  let decoder = new TextDecoder();
  let head = '';
  /** The end of a line may be cut between its two characters. */
  let rest = '';
  let last = '\n';
  function print(text: string): void {
    if (text === '') return;
    const shown = isScreen ? visible(text.replaceAll('\r\n', '\n')) : text;
    io.stdout(`${head}${shown}`);
    head = '';
    last = shown.at(-1) ?? last;
  }
  return {
    async begin(document) {
      io.stdout(await textOf(document, { as: 'human', contract: '0.2.31' }, io));
    },
    open(stream) {
      decoder = new TextDecoder();
      head = `--- ${stream}\n`;
    },
    add(bytes) {
      const text = rest + decoder.decode(bytes, { stream: true });
      rest = text.endsWith('\r') ? '\r' : '';
      print(text.slice(0, text.length - rest.length));
    },
    close() {
      print(rest + decoder.decode());
      rest = '';
      if (head === '' && last !== '\n') io.stdout('\n');
      last = '\n';
      head = '';
    },
    end: () => undefined,
  };
}

function whole(): OutputText {
  const texts: Record<string, string> = {};
  let decoder = new TextDecoder();
  let parts: string[] = [];
  let name = '';
  return {
    async begin() {},
    open(stream) {
      decoder = new TextDecoder();
      [name, parts] = [stream, []];
    },
    add: (bytes) => void parts.push(decoder.decode(bytes, { stream: true })),
    close() {
      texts[name] = parts.join('') + decoder.decode();
    },
    end: (more) => ({ ...texts, ...more }),
  };
}
