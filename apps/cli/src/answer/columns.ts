/** How lists of answers become columns. Pure. */
import { type Cell, type Colour, lineOf } from './ink.ts';
import type { Told } from './told.ts';

/** Columns of a list: head and cell; without columns every key is one. */
export interface Columns {
  readonly rows: string;
  /** Another key with rows of the same columns, below. */
  readonly below?: string;
  readonly columns: Readonly<Record<string, (row: Told) => Cell>>;
}

export const stateColours: Readonly<Record<string, Colour>> = {
  running: 'green',
  created: 'dim',
  killed: 'yellow',
  failed: 'red',
  unknown: 'red',
  quarantined: 'red',
};

const value =
  (key: string) =>
  (row: Told): Cell => ({ text: lineOf(row[key]) });

/** Cells that show what stands under a key of a row. */
export const cellsOf = {
  value,
  coloured:
    (key: string) =>
    (row: Told): Cell => ({ text: lineOf(row[key]), colour: stateColours[String(row[key])] }),
  keys: (...names: string[]) => Object.fromEntries(names.map((name) => [name, value(name)])),
} as const;
