import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** Jobs store the canonical directory, because `list` compares it as text. */
export function canonical(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // the launch will say that it does not exist
  }
}
