/**
 * Loaded into the program before anything else: a wall clock that jumps. It reads how far, in ms, from the file that `CLOCK_FILE` names.
 * Times of files that were written since the jump are on the new clock, as they would be. Monotonic time goes on.
 */
const fs = require('node:fs');

const file = process.env.CLOCK_FILE;
const { readFileSync, statSync } = fs;
const RealDate = Date;
let readAtMs = Number.NEGATIVE_INFINITY;
let jump = { byMs: 0, atMs: Number.POSITIVE_INFINITY };

function current() {
  if (performance.now() - readAtMs < 5) return jump;
  readAtMs = performance.now();
  try {
    jump = { byMs: Number(readFileSync(file, 'utf8')), atMs: statSync(file).mtimeMs };
  } catch {
    // no jump so far
  }
  return jump;
}

class JumpingDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + current().byMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + current().byMs;
  }
}
globalThis.Date = JumpingDate;

const timeFields = ['atimeMs', 'mtimeMs', 'ctimeMs', 'birthtimeMs'];

function moved(stats) {
  const { byMs, atMs } = current();
  if (!stats || typeof stats.mtimeMs !== 'number') return stats;
  for (const field of timeFields) if (stats[field] >= atMs) stats[field] += byMs;
  return stats;
}

for (const name of ['statSync', 'lstatSync', 'fstatSync']) {
  const real = fs[name];
  fs[name] = (...args) => moved(real(...args));
}
