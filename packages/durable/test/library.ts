/** Two owners' tables in one file, of every kind that SQLite has. */

import { crc32 } from 'node:zlib';
import { type DurablePart, damage, type Row } from '@kanade/durable';

/** A row number of its own, and a checksum. */
const loans: DurablePart = {
  name: 'loans',
  migrations: [
    `CREATE TABLE loan (
       seq INTEGER PRIMARY KEY AUTOINCREMENT, book TEXT NOT NULL UNIQUE, note TEXT NOT NULL, checksum INTEGER NOT NULL
     ) STRICT;`,
    (sql) => void sql('CREATE INDEX loan_note ON loan (note)').run(),
  ],
  tables: [{ name: 'loan', isIntact: (row) => row.checksum === checksumOf(row) }],
};

/** A key of text, and one without row numbers; totals that say together what the readers have. */
const readers: DurablePart = {
  name: 'readers',
  migrations: [
    `CREATE TABLE reader (name TEXT PRIMARY KEY, books INTEGER NOT NULL CHECK (books >= 0)) STRICT;
     CREATE TABLE reader_total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     INSERT INTO reader_total VALUES ('books', 0);`,
  ],
  tables: [{ name: 'reader' }, { name: 'reader_total' }],
  adopt: ({ userVersion, tables }) => {
    if (userVersion > 1) throw damage(`the version is ${userVersion}`);
    return tables.includes('reader') ? 1 : 0;
  },
  mend: (sql, salvaged) => {
    if (salvaged !== null)
      sql("INSERT OR REPLACE INTO reader_total SELECT 'books', coalesce(sum(books), 0) FROM reader").run();
  },
  problems: (sql) => {
    const sum = sql('SELECT coalesce(sum(books), 0) AS sum FROM reader').get()?.sum;
    const total = sql("SELECT value FROM reader_total WHERE name = 'books'").get()?.value;
    return sum === total ? [] : [`readers have ${sum} books, the total is ${total}`];
  },
};

export const library: readonly DurablePart[] = [loans, readers];

function checksumOf({ book, note }: Readonly<Row>): number {
  return crc32(JSON.stringify([book, note]));
}

/** Some spill over to overflow pages. */
export const noteOf = (index: number) => `note ${index} `.repeat(index % 10 === 0 ? 900 : 20);

/** The statements that lend one book to a reader. */
export function lend(tx: { sql: (text: string) => { run(...values: (string | number)[]): unknown } }, index: number) {
  const row = { book: `b${index}`, note: noteOf(index) };
  tx.sql('INSERT INTO loan (book, note, checksum) VALUES (?, ?, ?)').run(row.book, row.note, checksumOf(row));
  tx.sql('INSERT INTO reader VALUES (?, 1)').run(`reader ${index}`);
  tx.sql("UPDATE reader_total SET value = value + 1 WHERE name = 'books'").run();
}
