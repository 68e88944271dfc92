import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ExecResult } from '@kanade/shared/fleet';

/** What waits in the outbox of an agent, as results; while it runs or later. */
export function queuedResults(dataDir: string): ExecResult[] {
  const database = new DatabaseSync(join(dataDir, 'agent.db'), { readOnly: true });
  try {
    return database
      .prepare("SELECT body FROM outbox WHERE subject LIKE 'results.%' AND state <> 'kept' ORDER BY seq")
      .all()
      .map((row) => ExecResult.parse(JSON.parse(Buffer.from(row.body as Uint8Array).toString('utf8'))));
  } finally {
    database.close();
  }
}

/** How many results will still be sent, and how many were set apart because the disk had damaged them, or nobody takes them. */
export const resultsToSend = (dataDir: string): number =>
  count(dataDir, "outbox WHERE subject LIKE 'results.%' AND state IN ('ready', 'waiting', 'held')");
export const resultsApart = (dataDir: string): number =>
  count(dataDir, "outbox WHERE subject LIKE 'results.%' AND state = 'quarantined'");

/** How many entries of the fleet's buckets an agent knows. */
export const knownEntries = (dataDir: string): number => count(dataDir, 'fleet_entry');

/** How many events wait in the outbox of an agent. */
export const queuedEvents = (dataDir: string): number => count(dataDir, "outbox WHERE subject NOT LIKE 'results.%'");

/** How many runs an agent has taken that have not ended. */
export const openRuns = (dataDir: string): number => count(dataDir, "run WHERE state <> 'ended'");

function count(dataDir: string, from: string): number {
  const database = new DatabaseSync(join(dataDir, 'agent.db'), { readOnly: true });
  try {
    return Number(database.prepare(`SELECT count(*) AS found FROM ${from}`).get()?.found);
  } finally {
    database.close();
  }
}

/** How far an agent has read the orders that are for it alone; 0 = not at all. */
export function cursorOf(dataDir: string): number {
  const database = new DatabaseSync(join(dataDir, 'agent.db'), { readOnly: true });
  try {
    return Number(
      database.prepare("SELECT max(sequence) AS last FROM cursor WHERE filter LIKE 'commands.pc.%>'").get()?.last,
    );
  } finally {
    database.close();
  }
}

/** Request ids of the orders that an agent knows. */
export function knownRequests(dataDir: string): string[] {
  const database = new DatabaseSync(join(dataDir, 'agent.db'), { readOnly: true });
  try {
    return database
      .prepare('SELECT request_id FROM admission')
      .all()
      .map((row) => row.request_id as string);
  } finally {
    database.close();
  }
}

/** How many attempts to deliver the result of an order count as failed; undefined while there was none. */
export function failedAttempts(dataDir: string, requestId: string): number | undefined {
  const database = new DatabaseSync(join(dataDir, 'agent.db'), { readOnly: true });
  try {
    const row = database
      .prepare('SELECT attempts FROM outbox WHERE subject = ? AND reason IS NOT NULL')
      .get(`results.${requestId}`);
    return row && Number(row.attempts);
  } finally {
    database.close();
  }
}
