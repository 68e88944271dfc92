import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ExecResult } from '@kanade/shared/fleet';

/** What an agent that has ended left in its outbox, as results. */
export function queuedResults(dataDir: string): ExecResult[] {
  const database = new DatabaseSync(join(dataDir, 'agent.db'), { readOnly: true });
  try {
    return database
      .prepare("SELECT body FROM outbox WHERE subject LIKE 'results.%' ORDER BY seq")
      .all()
      .map((row) => ExecResult.parse(JSON.parse(Buffer.from(row.body as Uint8Array).toString('utf8'))));
  } finally {
    database.close();
  }
}
