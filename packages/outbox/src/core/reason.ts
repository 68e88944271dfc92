import { inspect } from 'node:util';

const charsMax = 2000;

/** What was thrown, in words that fit into a row, whatever it is. */
export function failureReason(thrown: unknown): string {
  try {
    return words(thrown).slice(0, charsMax).replaceAll('\0', '\ufffd').toWellFormed();
  } catch {
    // A getter, a `toString` or a proxy of the caller's that throws in its turn: there is nothing more to learn from it.
    return `a value that cannot be printed (${typeof thrown})`;
  }
}

function words(thrown: unknown): string {
  if (thrown instanceof Error) return `${thrown.name}: ${thrown.message}`;
  if (typeof thrown === 'object' && thrown !== null) return inspect(thrown, { depth: 1, breakLength: Infinity });
  return String(thrown);
}
