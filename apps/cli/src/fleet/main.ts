import type { Io } from '../io.ts';
export async function runFleet(_args: readonly string[], io: Io): Promise<number> {
  io.stderr('soon');
  return 1;
}
