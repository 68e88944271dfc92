/** How the checks of this machine came out last: one row each, of the newest run. */
import type { Durable, Row } from '@kanade/durable';
import { type CheckHint, type CheckStatus, checkDefaults } from '@kanade/shared/fleet';
import { Check } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import { cutToBytes } from '../report/cut-to-bytes.ts';

export interface CheckOutcome {
  readonly hint: CheckHint;
  readonly verdict: { readonly status: CheckStatus; readonly detail?: string };
  /** Manifest that the run was of. */
  readonly jobId: string;
  /** End of the run, ms since 1970. */
  readonly atMs: number;
}

export interface CheckResults {
  /** On disk when this returns. A run that ended before the one that is known changes nothing. False: there is no room for another check. */
  put(outcome: CheckOutcome): boolean;
  /** By name. */
  list(): readonly Check[];
  /** Undefined for a check that never ran. */
  statusOf(name: string): CheckStatus | undefined;
  /** Forgets checks that no job has had for `checkGoneMs`; notes those that none has now. */
  forgetGone(isNamed: (name: string) => boolean, nowMs: number): void;
  /** Calls back when the list has changed, until the returned function is called. */
  watch(listener: () => void): () => void;
}

export function openCheckResults(file: Durable): CheckResults {
  const listeners = new Set<() => void>();
  let checks = readChecks(file);
  const refresh = (): void => {
    const next = readChecks(file);
    if (JSON.stringify(next) === JSON.stringify(checks)) return;
    checks = next;
    for (const listener of [...listeners]) listener();
  };
  return {
    put(outcome) {
      const isKept = file.transact((tx) => {
        const { name } = outcome.hint;
        const isNew = tx.sql('SELECT 1 FROM check_result WHERE name = ?').get(name) === undefined;
        const held = Number(tx.sql('SELECT count(*) AS held FROM check_result').get()?.held);
        if (name.length > limits.checkNameCharsMax || (isNew && held >= limits.checksMax)) return false;
        tx.sql(
          `INSERT INTO check_result (name, job_id, value, checked_at_ms) VALUES (?, ?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET job_id = excluded.job_id, value = excluded.value,
             checked_at_ms = excluded.checked_at_ms, gone_since_ms = NULL
           WHERE excluded.checked_at_ms >= checked_at_ms`,
        ).run(name, outcome.jobId, JSON.stringify(checkOf(outcome)), Math.round(outcome.atMs));
        return true;
      });
      if (isKept) refresh();
      return isKept;
    },
    list: () => checks,
    statusOf: (name) => checks.find((check) => check.name === name)?.status,
    forgetGone(isNamed, nowMs) {
      const gone = checks.filter(({ name }) => !isNamed(name)).map(({ name }) => name);
      const noted = file.look((sql) => sql('SELECT name FROM check_result WHERE gone_since_ms IS NOT NULL').all());
      const back = noted.map(({ name }) => String(name)).filter((name) => !gone.includes(name));
      if (gone.length === 0 && back.length === 0) return;
      file.transact(({ sql }) => {
        for (const name of back) sql('UPDATE check_result SET gone_since_ms = NULL WHERE name = ?').run(name);
        for (const name of gone)
          sql('UPDATE check_result SET gone_since_ms = coalesce(gone_since_ms, ?) WHERE name = ?').run(nowMs, name);
        sql('DELETE FROM check_result WHERE gone_since_ms <= ?').run(nowMs - limits.checkGoneMs);
      });
      refresh();
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** As the person at the machine is told. */
function checkOf({ hint, verdict }: CheckOutcome): Check {
  const { name, label, troubleshoot, health = checkDefaults.health } = hint;
  return {
    name,
    ...(label === undefined ? {} : { label: cutToBytes(label, limits.checkLabelBytesMax) }),
    ...verdict,
    ...(troubleshoot === undefined ? {} : { troubleshoot }),
    ...(health ? {} : { health_hidden: true }),
  };
}

const readChecks = (file: Durable): readonly Check[] =>
  file
    .look((sql) => sql('SELECT * FROM check_result ORDER BY name').all())
    .map(readRow)
    .filter((check) => check !== undefined);

/** Rows are not trusted: versions change, and disks do, too. */
function readRow({ value }: Row): Check | undefined {
  try {
    return Check.safeParse(JSON.parse(String(value))).data;
  } catch {
    return undefined; // it comes again with the next run
  }
}
