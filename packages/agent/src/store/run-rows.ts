/** Runs as they stand in the ledger; read back, rows are not trusted, because versions change and disks do, too. */
import { crc32 } from 'node:zlib';
import type { Row, Sql } from '@kanade/durable';
import { type Command, readBody, readCommand, startDeadline, withDeadline } from '@kanade/shared/fleet';
import type { JobRun } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import type { Delivery, OpenRun, Run, RunEnd, Stopper } from '../run/model.ts';

/** Runs that have not ended, in the order of their admission. */
export function openRuns(sql: Sql): OpenRun[] {
  return sql(
    `SELECT run.*, run.request_id AS asked_as, coalesce(admission.request_id, run.request_id) AS request_id, admission.subject, admission.body,
       admission.headers, admission.fingerprint, admission.checksum
     FROM run LEFT JOIN admission ON admission.run_id = run.run_id WHERE state <> 'ended' ORDER BY admitted_at_ms, run.rowid`,
  )
    .all()
    .map((row) => openRunOf(row));
}

/** A run from its row and the columns of its order; what damage left unreadable cannot be run. */
export function openRunOf(row: Row): OpenRun {
  const isIntact = isIntactAdmission(row);
  const finalizer = isIntact && row.subject === finalizerSubject ? finalizerIn(row) : undefined;
  const command = finalizer?.command ?? (isIntact ? commandOf(row) : undefined);
  const state = row.state as OpenRun['state'];
  const run: Run = finalizer ?? {
    runId: row.run_id as string,
    pcId: row.pc_id as string,
    requestId: (row.asked_as ?? row.request_id) as string,
    execId: row.exec_id as string | null,
    origin: row.origin as Run['origin'],
    owner: row.owner as string | null,
    command: command ?? unreadable(row),
    ...(typeof row.parent_run_id === 'string' ? { parentId: row.parent_run_id } : {}),
  };
  return {
    run,
    state: command ? state : 'launching', // what cannot be read cannot be run
    jobId: (row.job_id as string | null) ?? undefined,
    boot: command ? ((row.boot as string | null) ?? undefined) : undefined,
    stoppedBy: (row.stopped_by as Stopper | null) ?? undefined,
    retries: (row.retries as number | null) ?? 0,
    earlierJobId: (row.earlier_job_id as string | null) ?? undefined,
    startedAtMs: (row.started_at_ms as number | null) ?? undefined,
    received: command && receivedOf(row),
  };
}

/** The order as it came; the versions before kept another text of it, which nobody signed. */
function receivedOf({ subject, body, headers }: Row): Delivery | undefined {
  if (typeof headers !== 'string') return undefined;
  return { subject: subject as string, bytes: body as Uint8Array, headers: JSON.parse(headers) };
}

/** The order of a run as it came, and when that was, ms since 1970. */
export function receivedBy(sql: Sql, runId: string): { delivery: Delivery; atMs: number } | undefined {
  const row = sql('SELECT * FROM admission WHERE run_id = ?').get(runId);
  const delivery = row && isIntactAdmission(row) ? receivedOf(row) : undefined;
  return delivery && { delivery, atMs: Number(row?.admitted_at_ms) };
}

/** It was valid when it was admitted; it is read again because versions change and disks do, too. */
function commandOf(row: Row): Command | undefined {
  const body = readBody(row.body as Uint8Array);
  if (body.form === 'unreadable') return undefined; // told by the ending that it gets
  const read = readCommand(body.form === 'envelope' ? body.value.command : body.value);
  if (!read.ok) return undefined;
  const { expires_at } = body.form === 'envelope' ? body.value : {};
  if (typeof expires_at !== 'string') return read.value;
  return withDeadline(read.value, startDeadline({ expires_at, command: read.value }));
}

/** Stands for an order that is gone, so that its run can be reported. */
const unreadable = (row: Row): Command => ({
  id: typeof row.manifest_id === 'string' ? row.manifest_id : '',
  version: '',
  request_id: row.request_id as string,
  shell: 'sh',
  script: '',
  timeout_secs: 0,
});

/** The last run of each manifest that somebody started. */
export function lastRuns(sql: Sql, owner: string): ReadonlyMap<string, JobRun> {
  // SQLite takes the other columns from the row that has the maximum.
  const rows = sql(
    `SELECT run_id, manifest_id, status, started_at_ms, ended_at_ms, exit_code, max(started_at_ms) FROM run
     WHERE owner = ? AND started_at_ms IS NOT NULL GROUP BY manifest_id`,
  ).all(owner);
  return new Map(rows.map((row) => [row.manifest_id as string, jobRunOf(row)]));
}

/** How a run ended, as its row says it: what a policy kept from starting has a word of its own there. */
export const statusInRow = ({ status, skipped }: Pick<RunEnd, 'status' | 'skipped'>): string =>
  skipped ? skippedInRow : status;

const skippedInRow = 'skipped';

/** The status of a run that a row tells; undefined while it has not ended. */
export const statusOfRow = ({ status }: Row): JobRun['status'] | undefined =>
  status === skippedInRow ? 'failed' : ((status as JobRun['status'] | null) ?? undefined);

export function jobRunOf(row: Row): JobRun {
  const at = (ms: unknown): string => new Date(ms as number).toISOString();
  return {
    run_id: row.run_id as string,
    status: statusOfRow(row) ?? 'running',
    ...(row.status === skippedInRow ? { skipped: true } : {}),
    started_at: at(row.started_at_ms),
    ...(row.ended_at_ms === null ? {} : { finished_at: at(row.ended_at_ms) }),
    ...(row.exit_code === null ? {} : { exit_code: row.exit_code as number }),
  };
}

/** Forgets runs that ended before but for some, at most so many, with their orders. */
export function forgetRuns(
  sql: Sql,
  given: { beforeMs: number; max: number; except?: ReadonlySet<string> | undefined },
): { runId: string; jobIds: string[] }[] {
  const { beforeMs, max, except = new Set() } = given;
  const rows = sql(
    `SELECT run_id, job_id, earlier_job_id FROM run WHERE state = 'ended' AND ended_at_ms < ?
     AND run_id NOT IN (SELECT value FROM json_each(?)) LIMIT ?`,
  ).all(beforeMs, JSON.stringify([...except]), max);
  return rows.map((row) => {
    const runId = row.run_id as string;
    sql('DELETE FROM run WHERE run_id = ?').run(runId);
    sql('DELETE FROM admission WHERE run_id = ?').run(runId);
    return { runId, jobIds: [row.job_id, row.earlier_job_id].filter((id) => typeof id === 'string') };
  });
}

/** Over what an order is known by and what it says. */
export const orderChecksum = (words: readonly unknown[], body: Uint8Array): number =>
  crc32(body, crc32(words.join('\n')));

/** False for a row that damage has changed. Rows of the versions before have no checksum. */
export const isIntactAdmission = (row: Readonly<Row>): boolean =>
  row.checksum === null || (row.body instanceof Uint8Array && Number(row.checksum) === checksumOf(row, row.body));

const checksumOf = ({ pc_id, request_id, fingerprint, run_id, headers }: Readonly<Row>, body: Uint8Array): number =>
  orderChecksum([pc_id, request_id, fingerprint, run_id, ...(headers === null ? [] : [headers])], body);

/** Of an order whose run has ended its name is needed, and its fingerprint; what it says, when that is long, goes. */
export function letGo(sql: Sql, runId: string): void {
  const row = sql('SELECT * FROM admission WHERE run_id = ? AND length(body) > ?').get(
    runId,
    limits.endedOrderBytesMax,
  );
  if (!row) return;
  const nothing = new Uint8Array();
  const checksum = row.checksum === null ? null : checksumOf(row, nothing);
  sql('UPDATE admission SET body = ?, checksum = ? WHERE run_id = ?').run(nothing, checksum, runId);
}

/** Room for what is counted: how much there is, how much an order takes, and what is held of it. */
interface Share {
  readonly name: string;
  readonly max: number;
  readonly takes: number;
  readonly held: (sql: Sql) => number;
}

/** Orders after which what is held is counted again, whatever was taken since. */
const countedEvery = 500;

/**
 * Room for orders: each door has a share of its own, each user one of that, and what open orders say has one. Counting takes ms where
 * there are many, so it is done when a share may be used up, and now and then.
 */
export function createOrderRoom(bytesMax: number): { take(sql: Sql, run: Run, bytes: number): boolean } {
  const heldAtMost = new Map<string, number>();
  let taken = 0;
  return {
    take(sql, run, bytes) {
      const shares = sharesOf(run, { bytes, bytesMax });
      if (++taken % countedEvery === 0) heldAtMost.clear();
      for (const { name, max, takes, held } of shares) {
        const atMost = heldAtMost.get(name);
        if (atMost === undefined || atMost + takes > max) heldAtMost.set(name, held(sql));
        if ((heldAtMost.get(name) ?? 0) + takes > max) return false;
      }
      for (const { name, takes } of shares) heldAtMost.set(name, (heldAtMost.get(name) ?? 0) + takes);
      return true;
    },
  };
}

function sharesOf({ origin, owner }: Run, { bytes, bytesMax }: { bytes: number; bytesMax: number }): Share[] {
  const count = (words: string, ...values: string[]): Share['held'] => {
    return (sql) => Number(sql(`SELECT ${words} AS held`).get(...values)?.held);
  };
  const local = "(SELECT count(*) FROM run WHERE origin = 'local')";
  const shares: Share[] = [{ name: 'bytes', max: bytesMax, takes: bytes, held: openBytes }];
  if (origin === 'fleet') {
    const held = count(`(SELECT count(*) FROM admission) - ${local}`);
    return [...shares, { name: 'fleet', max: limits.fleetAdmissionsMax, takes: 1, held }];
  }
  shares.push({ name: 'local', max: limits.localAdmissionsMax, takes: 1, held: count(local) });
  if (owner === null) return shares;
  const held = count('(SELECT count(*) FROM run WHERE owner = ?)', owner);
  return [...shares, { name: `user ${owner}`, max: limits.userAdmissionsMax, takes: 1, held }];
}

const openBytes = (sql: Sql): number =>
  Number(
    sql(
      `SELECT coalesce(sum(length(body)), 0) AS held FROM run JOIN admission ON admission.run_id = run.run_id
       WHERE run.state <> 'ended'`,
    ).get()?.held,
  );

/** A run that has a row from now on. */
export function insertRun(sql: Sql, run: Run, state: OpenRun['state'] | 'ended', jobId: string | null = null): void {
  const { runId, pcId, requestId, execId, origin, owner, command, parentId = null } = run;
  sql(
    `INSERT INTO run (run_id, pc_id, request_id, exec_id, origin, owner, manifest_id, state, job_id, parent_run_id)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(runId, pcId, requestId, execId, origin, owner, command.id, state, jobId, parentId);
}

/** Stands where the subject of an order stands; none of the fleet has this name. */
const finalizerSubject = 'finalize';

/**
 * Writes a run down that begins with the end of another: its order is a row of `admission` like any, under the run's own id, because
 * nobody sent it. So it has a checksum, is forgotten with its run, and its end is one that nobody knows where damage took the run.
 */
export function admitFinalizer(sql: Sql, run: Run): void {
  const body = Buffer.from(JSON.stringify(run));
  const checksum = orderChecksum([run.pcId, run.runId, '', run.runId], body);
  sql(
    `INSERT INTO admission (pc_id, request_id, fingerprint, subject, body, headers, run_id, admitted_at_ms, checksum)
     VALUES (?, ?, '', ?, ?, NULL, ?, ?, ?)`,
  ).run(run.pcId, run.runId, finalizerSubject, body, run.runId, Date.now(), checksum);
  insertRun(sql, run, 'admitted');
}

/** The run in such a row, whose bytes are intact; undefined when this version cannot read it. */
function finalizerIn({ body }: Row): Run | undefined {
  try {
    const run = JSON.parse(Buffer.from(body as Uint8Array).toString('utf8')) as Run;
    const command = readCommand(run.command);
    return command.ok ? { ...run, command: command.value } : undefined;
  } catch {
    return undefined; // told by the ending that it gets
  }
}
