/** What somebody may have meant: for a command, an option, a key of a file. Pure, without the schema library. */

/** Most words that are offered. */
const offeredMax = 3;

/** The known words that are nearest to what was typed; none when all are far. Pure. */
export function likely(typed: string, known: readonly string[]): string[] {
  const word = typed.toLowerCase();
  const letters = word.replace(/^-+/, '').length;
  const farthest = letters < 3 ? 1 : Math.floor(letters / 3) + 1;
  const rated = known.map((name) => ({ name, far: distance(word, name) })).filter(({ far }) => far <= farthest);
  const nearest = Math.min(...rated.map(({ far }) => far));
  return rated
    .filter(({ far }) => far === nearest)
    .slice(0, offeredMax)
    .map(({ name }) => name);
}

/** Letters to add, take, change or swap with their neighbour to make one word of the other. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, next];
  }
  return last[to.length] ?? 0;
}
