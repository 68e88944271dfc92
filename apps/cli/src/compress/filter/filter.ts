/** What a filter is, and the parts that most are made of. */
import { cutLine, type OutputLine } from '../line/line.ts';

/**
 * Takes the lines of one stream in order and gives its view, without a newline at its end. A filter holds a bounded part of them, and tells `drop` of every line that its view
 * neither shows nor stands for, once: that is how error lines survive every filter.
 */
export interface Filter {
  take(line: OutputLine): void;
  /** The view; empty when this filter found nothing of what it looks for. */
  end(): string;
}

export type Drop = (line: OutputLine) => void;
export type CreateFilter = (drop: Drop) => Filter;

/** Chosen lines, at most `first` from their beginning and `last` from their end. */
export interface Picked {
  add(line: OutputLine): void;
  readonly count: number;
  /** The lines as they are shown, with a note where some are missing. */
  lines(): string[];
}

/** Keeps the first and the last of the lines it is given; those between are dropped. */
export function createPicked(drop: Drop, first: number, last: number, marker?: string): Picked {
  const head: OutputLine[] = [];
  const tail: OutputLine[] = [];
  let next = 0;
  let count = 0;
  return {
    add(line) {
      count++;
      if (head.length < first) head.push(line);
      else if (tail.length < last) tail.push(line);
      else if (last === 0) drop(line);
      else {
        drop(tail[next] as OutputLine);
        tail[next] = line;
        next = (next + 1) % last;
      }
    },
    get count() {
      return count;
    },
    lines() {
      const missing = count - head.length - tail.length;
      const shown = (lines: readonly OutputLine[]) => lines.map(({ text }) => cutLine(text));
      return [
        ...shown(head),
        ...(missing > 0 ? [marker ?? `... ${missing} lines omitted ...`] : []),
        ...shown([...tail.slice(next), ...tail.slice(0, next)]),
      ];
    },
  };
}

/** Lines first and last of a text that is too long, and from how many bytes on it is. */
export interface Bounds {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/** The default summary (contract, section 7.7). */
export const summaryBounds: Bounds = { first: 10, last: 10, bytes: 2_000 };

/** The text as it is within the bounds; else its first lines, a marker and its last lines. */
export const createBounded =
  ({ first, last, bytes }: Bounds): CreateFilter =>
  (drop) => {
    const picked = createPicked(drop, first, last, '... omitted middle ...');
    const plain: string[] = [];
    let size = 0;
    return {
      take(line) {
        picked.add(line);
        size += line.to - line.from;
        if (size <= bytes && plain.length <= first + last) plain.push(line.text);
      },
      end: () => (picked.count <= first + last && size <= bytes ? plain : picked.lines()).join('\n'),
    };
  };

/** A filter that shows the lines that `picks` is true for, in their order. */
export const createPicker =
  (picks: (text: string) => boolean, first = 60, last = 20): CreateFilter =>
  (drop) => {
    const picked = createPicked(drop, first, last);
    return {
      take(line) {
        if (picks(line.text)) picked.add(line);
        else drop(line);
      },
      end: () => picked.lines().join('\n'),
    };
  };

/** Counts by key, for at most `keysMax` keys; in the order in which they came. */
export function createTally<T>(keysMax: number, create: () => T) {
  const entries = new Map<string, T>();
  let others = 0;
  return {
    /** The entry of a key; undefined when there are too many keys already. */
    of(key: string): T | undefined {
      const known = entries.get(key);
      if (known !== undefined) return known;
      if (entries.size >= keysMax) {
        others++;
        return undefined;
      }
      const made = create();
      entries.set(key, made);
      return made;
    },
    entries,
    /** How often a key found no room. */
    get others() {
      return others;
    },
  };
}
