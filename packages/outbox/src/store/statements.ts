import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { withTable } from './schema.ts';

/** The prepared statement for a text that names the outbox's table `$t`; prepared once per connection. */
export type Sql = (text: string) => StatementSync;

export function createStatements(database: DatabaseSync, table: string): Sql {
  // As many entries as there are statement texts in this package.
  const prepared = new Map<string, StatementSync>();
  return (text) => {
    let statement = prepared.get(text);
    if (!statement) {
      statement = database.prepare(withTable(text, table));
      prepared.set(text, statement);
    }
    return statement;
  };
}
