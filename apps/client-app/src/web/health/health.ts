import type { Check, StateSnapshot } from '@kanade/shared/local';

type Status = Check['status'];

/** Worst first: the order of the cards, and which of them makes the headline. */
export const checkStatuses = ['fail', 'warn', 'unknown', 'ok'] as const satisfies readonly Status[];

/** The checks that people see, worst first, each in the agent's order. */
export function shownChecks(checks: readonly Check[]): readonly Check[] {
  return checks
    .filter(({ health_hidden }) => health_hidden !== true)
    .sort((a, b) => checkStatuses.indexOf(a.status) - checkStatuses.indexOf(b.status));
}

/** One word for all of them: the worst there is; `ok` only when every one is, so that no news is never good news. */
export function headlineOf(checks: readonly Check[]): Status {
  const shown = shownChecks(checks);
  const worst = checkStatuses.find((status) => shown.some((check) => check.status === status));
  return worst ?? 'unknown';
}

/** How many there are of each status, worst first, without those that there are none of. */
export function countsOf(checks: readonly Check[]): readonly (readonly [Status, number])[] {
  const shown = shownChecks(checks);
  return checkStatuses
    .map((status) => [status, shown.filter((check) => check.status === status).length] as const)
    .filter(([, count]) => count > 0);
}

/** The version that waits for a restart; undefined when none does. */
export function pendingVersion({ agent_version, target_version }: StateSnapshot): string | undefined {
  return target_version !== '' && target_version !== agent_version ? target_version : undefined;
}
