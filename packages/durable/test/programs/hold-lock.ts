// `hold-lock.ts <lock> [leave]` holds a lock until it is killed, or until its input ends and 100 turns have passed;
// `hold-lock.ts <directory> remove` takes one and removes its directory, over and over, and says how it went.
import { mkdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { takeLock } from '@kanade/durable/lock';

const [, , path = '', mode] = process.argv;

/** Somebody else may be making or removing the same directory. */
function tries(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

if (mode === 'remove') {
  const counts = { held: 0, busy: 0, gone: 0 };
  for (let round = 0; round < 300; round++) {
    if (!tries(() => mkdirSync(path, { recursive: true }))) continue;
    const outcome = takeLock(join(path, 'lock'));
    counts[outcome.kind]++;
    if (outcome.kind !== 'held') continue;
    tries(() => rmSync(path, { recursive: true, force: true }));
    outcome.release();
  }
  writeSync(1, `${JSON.stringify(counts)}\n`);
} else {
  const outcome = takeLock(path);
  writeSync(1, `${outcome.kind}\n`);
  process.stdin.on('end', () => outcome.kind === 'held' && outcome.release()).resume();
}
