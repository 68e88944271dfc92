/**
 * The one file of an agent, `<data>/agent.db`: a durable file (`@kanade/durable`). Tables, by who writes them:
 *
 * | table         | written by             | what is true in it                                                        |
 * |---------------|------------------------|---------------------------------------------------------------------------|
 * | `admission`   | `store/ledger.ts`      | one row per order ever accepted; durable before the order is acknowledged |
 * | `run`         | `store/ledger.ts`      | one row per accepted order, in the same commit; `ended` with its result   |
 * | `doubt`       | `store/ledger.ts`      | one row after a loss: which orders may have been accepted without a trace |
 * | `fleet_entry` | `store/fleet-cache.ts` | what the broker's buckets last held; `store/script-digests.ts`: hashes of scripts |
 * | `cursor`      | `store/fleet-cache.ts` | per filter, the last stream sequence that was read; per bucket, how far   |
 * | `check_result` | `store/check-results.ts` | how each check came out last                                          |
 * | `emitted`     | `store/emitted.ts`     | how far the events of a run are queued, until it has ended                |
 * | `contact`     | `store/contact.ts`     | one row: when what the broker says was last known to be right             |
 * | `support_attempt` | `store/attempts.ts` | wrong support codes of the last minutes, by user                            |
 * | `notice*`     | `store/notices.ts`     | what the fleet told people here, and who has confirmed it                 |
 * | `notice_toast` | `store/toasts.ts`     | what became of notices on the desktops of people                          |
 * | `outbox*`     | `@kanade/outbox`       | results and events on their way                                           |
 *
 * A damaged file is replaced by what can be read of it. What its ledger can no longer know is `lost`, never run (ADR 13).
 */
import { type Durable, DurableError, type DurableEvent, type DurablePart, openDurable } from '@kanade/durable';
import { outboxPart } from '@kanade/outbox';
import { buckets, entrySubject } from '@kanade/shared/fleet-words';
import { AgentError } from '../agent-error.ts';
import { noteDoubt } from './doubt.ts';
import { isIntactAdmission } from './run-rows.ts';

/** Statements that bring the tables from one version to the next; only ever appended to. */
const migrations: readonly string[] = [
  `CREATE TABLE admission (
     pc_id TEXT NOT NULL, request_id TEXT NOT NULL, fingerprint TEXT NOT NULL, subject TEXT NOT NULL, body BLOB NOT NULL,
     run_id TEXT NOT NULL UNIQUE, admitted_at_ms INTEGER NOT NULL,
     PRIMARY KEY (pc_id, request_id)
   ) STRICT;
   CREATE TABLE run (
     run_id TEXT PRIMARY KEY, pc_id TEXT NOT NULL, request_id TEXT NOT NULL, exec_id TEXT, origin TEXT NOT NULL, owner TEXT,
     manifest_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('admitted', 'launching', 'running', 'ended')),
     job_id TEXT, started_at_ms INTEGER, ended_at_ms INTEGER, status TEXT, exit_code INTEGER
   ) STRICT;
   CREATE INDEX run_open ON run (state) WHERE state <> 'ended';
   CREATE INDEX run_owner ON run (owner, manifest_id, started_at_ms) WHERE owner IS NOT NULL;
   CREATE INDEX run_ended ON run (ended_at_ms) WHERE state = 'ended';
   CREATE TABLE fleet_entry (
     bucket TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (bucket, key)
   ) STRICT;
   CREATE TABLE cursor (filter TEXT PRIMARY KEY, sequence INTEGER NOT NULL) STRICT;`,
  `ALTER TABLE run ADD COLUMN boot TEXT;
   ALTER TABLE run ADD COLUMN stopped_by TEXT;`,
  `ALTER TABLE admission ADD COLUMN checksum INTEGER;
   CREATE TABLE doubt (
     id INTEGER PRIMARY KEY CHECK (id = 1), since_ms INTEGER NOT NULL, last_sequence INTEGER
   ) STRICT;`,
  // From here on `admission.body` holds the bytes as they were received; rows without `headers` are from before.
  `ALTER TABLE admission ADD COLUMN headers TEXT;
   ALTER TABLE cursor ADD COLUMN stream TEXT;`,
  "CREATE INDEX run_local ON run (run_id) WHERE origin = 'local';",
  `CREATE TABLE check_result (
     name TEXT PRIMARY KEY, job_id TEXT NOT NULL, value TEXT NOT NULL, checked_at_ms INTEGER NOT NULL, gone_since_ms INTEGER
   ) STRICT;
   CREATE TABLE emitted (
     run_id TEXT PRIMARY KEY, line INTEGER NOT NULL, queued INTEGER NOT NULL, bytes INTEGER NOT NULL, bad INTEGER NOT NULL
   ) STRICT;`,
  // What of a bucket has changed since it was read is told by the places of its entries in its stream.
  `ALTER TABLE fleet_entry ADD COLUMN sequence INTEGER;
   ALTER TABLE cursor ADD COLUMN messages INTEGER;`,
  // Attempts behind the first; runs that are the end of another one.
  `ALTER TABLE run ADD COLUMN retries INTEGER;
   ALTER TABLE run ADD COLUMN earlier_job_id TEXT;
   ALTER TABLE run ADD COLUMN parent_run_id TEXT;`,
  'CREATE TABLE contact (id INTEGER PRIMARY KEY CHECK (id = 1), current_at_ms INTEGER NOT NULL) STRICT;',
  `CREATE TABLE support_attempt (user_key TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
   CREATE INDEX support_attempt_user ON support_attempt (user_key, at_ms);`,
  // A notice without a value was recalled.
  `CREATE TABLE notice (id TEXT PRIMARY KEY, value TEXT, issued_at_ms INTEGER NOT NULL) STRICT;
   CREATE TABLE notice_mark (
     user_key TEXT NOT NULL, id TEXT NOT NULL, acked_at TEXT NOT NULL, PRIMARY KEY (user_key, id)
   ) STRICT;`,
  `CREATE TABLE notice_toast (
     user_key TEXT NOT NULL, id TEXT NOT NULL, outcome TEXT NOT NULL, place TEXT, PRIMARY KEY (user_key, id)
   ) STRICT;`,
];

/** Tables whose rows say which orders must not be run again. */
const guarding: readonly string[] = ['admission', 'doubt'];

/** The agent's own tables in its file. */
export const agentPart: DurablePart = {
  name: 'agent',
  migrations,
  tables: [
    { name: 'admission', isIntact: isIntactAdmission },
    ...[
      'run',
      'doubt',
      'fleet_entry',
      'cursor',
      'check_result',
      'emitted',
      'contact',
      'support_attempt',
      'notice',
      'notice_mark',
      'notice_toast',
    ].map((name) => ({ name })),
  ],
  adopt: ({ userVersion, tables }) => (tables.includes('admission') ? userVersion : 0),
  mend(sql, salvaged) {
    const mayLack = (tables: readonly string[]) =>
      salvaged?.some(({ table, mayHaveLost }) => mayHaveLost && tables.includes(table));
    if (mayLack(guarding)) noteDoubt(sql, Date.now());
    // What of a bucket is there says no more how far it was read.
    if (mayLack(['fleet_entry'])) sql('DELETE FROM cursor WHERE messages IS NOT NULL').run();
    if (mayLack(['notice', 'notice_mark']))
      for (const filter of ['notifications.%', entrySubject(buckets.notificationsRead, '%')])
        sql('DELETE FROM cursor WHERE filter LIKE ?').run(filter);
  },
};

/** Opens the file in whatever state it is. Throws AgentError `data_dir_unusable` or `database_too_new`. */
export function openStateFile(path: string, onEvent?: (event: DurableEvent) => void): Durable {
  try {
    return openDurable({ path, parts: [agentPart, outboxPart()], ...(onEvent && { onEvent }) });
  } catch (cause) {
    if (!(cause instanceof DurableError)) throw cause;
    const code = cause.code === 'newer_version' ? 'database_too_new' : 'data_dir_unusable';
    const advice = cause.code === 'newer_version' ? 'start the newer agent' : 'correct its owner and mode';
    throw new AgentError(code, `${cause.message}; ${advice}, or choose another --data-dir`, { cause });
  }
}
