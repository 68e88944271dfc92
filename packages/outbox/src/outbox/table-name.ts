/** Checks a name that goes into statements as it is. @throws TypeError */
export function checkTable(table: string): string {
  if (/^[A-Za-z][A-Za-z0-9_]{0,47}$/.test(table)) return table;
  throw new TypeError(`Cannot use table name: ${JSON.stringify(table)}`);
}
