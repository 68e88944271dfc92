import type { Schedule } from './schedule.ts';

/** Triggers and gates that a machine which is not Windows can evaluate. */
const portable: ReadonlySet<string> = new Set(['when.on.startup', 'constraints.require.cpu_below']);

/**
 * What a schedule asks for that this operating system cannot evaluate, as paths such as `when.on.unlock`; sorted. On
 * Windows nothing. Not empty = the job must not run there (synthetic exit 122).
 */
export function unsupportedOn(
  osFamily: string,
  { when, constraints }: Pick<Schedule, 'when' | 'constraints'>,
): string[] {
  if (osFamily === 'windows') return [];
  const gates = Object.entries(constraints?.require ?? {}).filter(
    ([, wanted]) => wanted !== undefined && wanted !== false,
  );
  return [
    ...(when.on ?? []).map((event) => `when.on.${event}`),
    ...gates.map(([gate]) => `constraints.require.${gate}`),
  ]
    .filter((path) => !portable.has(path))
    .sort();
}
